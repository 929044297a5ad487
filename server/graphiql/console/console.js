// A minimal GraphQL console in one file, used if GraphiQL was not built.

const byId = (id) => document.getElementById(id);
const [chooser, query, variables, headers, answer, status] = ['chooser', 'query', 'variables', 'headers', 'answer', 'status'].map(byId);
const button = document.querySelector('.graphiql-execute-button');

// Relative to the page, so that it works behind a proxy that adds a path prefix.
const endpoint = new URL(document.querySelector('meta[name="graphql-endpoint"]')?.content ?? '/graphql', location.href);
const examples = JSON.parse(byId('examples').textContent || '[]');
const parameters = new URLSearchParams(location.search);
let operationName = parameters.get('operationName') || undefined;
let stop = null; // cancels the running operation

if (parameters.get('query')) {
  chooser.append(new Option('From link', '-1'));
  query.value = parameters.get('query');
  variables.value = pretty(parameters.get('variables') ?? '');
}
examples.forEach((example, index) => chooser.append(new Option(example.title, String(index))));
if (!parameters.get('query')) show(examples[0]);

chooser.addEventListener('change', () => show(examples[Number(chooser.value)]));
query.addEventListener('input', clearLink);
button.addEventListener('click', () => (stop ? stop() : execute()));
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!stop) execute();
  }
});

function show(example) {
  if (!example) return;
  query.value = example.query;
  variables.value = example.variables ?? '';
  clearLink();
}

// The URL no longer matches once another document is shown or the linked one is edited.
function clearLink() {
  operationName = undefined;
  if (location.search) history.replaceState(null, '', location.pathname);
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

function read(box, name) {
  const text = box.value.trim();
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    box.focus();
    throw new Error(`${name} must be JSON: ${error.message}`);
  }
}

async function execute() {
  answer.textContent = '';
  let request, extra;
  try {
    request = { query: query.value, variables: read(variables, 'Variables'), operationName };
    extra = read(headers, 'Request headers');
  } catch (error) {
    status.value = error.message;
    return;
  }
  const start = performance.now();
  const elapsed = () => `${Math.round(performance.now() - start)} ms`;
  button.textContent = 'Stop';
  status.value = 'Waiting…';
  try {
    if (subscribes(request)) await listen(request);
    else await post(request, extra, elapsed);
  } catch (error) {
    status.value = error.name === 'AbortError' ? 'Stopped' : `No response: ${error.message}`;
  } finally {
    stop = null;
    button.textContent = 'Execute';
  }
}

/** Whether the operation is a subscription: a rough parse, good enough to choose the transport. */
function subscribes(request) {
  const code = request.query.replace(/"""[^]*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*/g, '');
  const operations = [...code.matchAll(/(?:^|\})\s*(query|mutation|subscription)\s*(\w*)/g)];
  const chosen = operations.find(([, , name]) => name === request.operationName) ?? operations[0];
  return chosen?.[1] === 'subscription';
}

async function post(request, extra, elapsed) {
  const controller = new AbortController();
  stop = () => controller.abort();
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json;q=0.9', ...extra },
    body: JSON.stringify(request),
    signal: controller.signal,
  });
  answer.textContent = pretty(await response.text());
  status.value = `${response.status} in ${elapsed()}`;
}

/** One subscription over graphql-transport-ws; the newest event is shown first. */
function listen(request) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(endpoint.href.replace(/^http/, 'ws'), 'graphql-transport-ws');
    const send = (message) => socket.send(JSON.stringify(message));
    let events = 0;
    let reasonForEnd = 'Closed by the server';
    const finish = (why) => {
      reasonForEnd = why;
      socket.close(1000);
    };
    stop = () => finish('Stopped');
    const write = (value) => {
      answer.textContent = `${JSON.stringify(value, null, 2)}\n${events ? '\n' : ''}${answer.textContent}`;
      status.value = `Listening, ${(events += 1)} received`;
    };
    socket.onopen = () => send({ type: 'connection_init' });
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: request });
      else if (message.type === 'ping') send({ type: 'pong' });
      else if (message.type === 'next') write(message.payload);
      else if (message.type === 'error') write({ errors: message.payload }), finish('Rejected');
      else if (message.type === 'complete') finish('Complete');
    };
    socket.onclose = ({ code, reason }) => {
      if (code === 1006) return reject(new Error('the connection was rejected or lost'));
      status.value = reason ? `${reasonForEnd}: ${code} ${reason}` : reasonForEnd;
      return resolve();
    };
  });
}
