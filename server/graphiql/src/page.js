// What the server wrote into the page, and what the address asks for.

const endpoint = document.querySelector('meta[name="graphql-endpoint"]')?.content ?? '/graphql';

// Relative to the page, so that a prefix put in front by a proxy needs no telling.
export const httpUrl = new URL(endpoint, location.href).href;
export const socketUrl = httpUrl.replace(/^http/, 'ws');

export const examples = JSON.parse(document.getElementById('examples')?.textContent || '[]');

const asked = new URLSearchParams(location.search);

/** The operation a link carries, or null. */
export const linked = asked.get('query')
  ? { query: asked.get('query'), variables: pretty(asked.get('variables')), operationName: asked.get('operationName') }
  : null;

/** Once the linked document is edited, the address no longer tells the truth. */
export function forgetLink() {
  if (location.search) history.replaceState(null, '', location.pathname);
}

function pretty(json) {
  try {
    return json && JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // the editor will say what is wrong with it
  }
}
