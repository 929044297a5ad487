// Tabs, history and settings, separate from other GraphiQL instances on the same host and port.
const PREFIX = 'modelmeta:';
const ours = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

export const storage = {
  getItem: (key) => localStorage.getItem(PREFIX + key),
  setItem: (key, value) => localStorage.setItem(PREFIX + key, value),
  removeItem: (key) => localStorage.removeItem(PREFIX + key),
  clear: () => ours().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ours().length;
  },
};

const TABS = 'graphiql:tabState';
const same = (a, b) => (a ?? '') === (b ?? '');

/**
 * Opens a linked operation before the stored tabs. GraphiQL itself would append it, and would drop the examples
 * if no tabs are stored.
 */
export function openFirst(linked, defaults) {
  const tabs = storedTabs() ?? defaults.map(tab);
  const others = tabs.filter(({ query, variables }) => !(same(query, linked.query) && same(variables, linked.variables)));
  storage.setItem(TABS, JSON.stringify({ tabs: [tab(linked), ...others], activeTabIndex: 0 }));
  // GraphiQL shows the tab that matches these.
  for (const name of ['query', 'variables']) {
    if (linked[name]) storage.setItem(`graphiql:${name}`, linked[name]);
    else storage.removeItem(`graphiql:${name}`);
  }
}

function storedTabs() {
  try {
    return JSON.parse(storage.getItem(TABS)).tabs;
  } catch {
    return null;
  }
}

function tab({ query, variables = null, operationName = null }) {
  const name = operationName ?? /^(?!#).*(?:query|subscription|mutation)\s+(\w+)/m.exec(query)?.[1] ?? null;
  return {
    id: `${Date.now()}-${Math.random()}`,
    title: name ?? '<untitled>',
    query,
    variables,
    headers: null,
    operationName: name,
    response: null,
  };
}
