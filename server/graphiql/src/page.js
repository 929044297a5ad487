// Data from the page and its URL.

const endpoint = document.querySelector('meta[name="graphql-endpoint"]')?.content ?? '/graphql';

// Relative to the page, so that it works behind a proxy that adds a path prefix.
export const httpUrl = new URL(endpoint, location.href).href;
export const socketUrl = httpUrl.replace(/^http/, 'ws');

export const examples = JSON.parse(document.getElementById('examples')?.textContent || '[]');

const parameters = new URLSearchParams(location.search);

/** The operation in the URL, or null. */
export const linked = parameters.get('query')
  ? { query: parameters.get('query'), variables: pretty(parameters.get('variables')), operationName: parameters.get('operationName') }
  : null;

/** Removes the operation from the URL once the document is edited and no longer matches. */
export function clearLink() {
  if (location.search) history.replaceState(null, '', location.pathname);
}

function pretty(json) {
  try {
    return json && JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // the editor reports what is wrong
  }
}
