// Tabs, history and settings, kept apart from any other GraphiQL served at this host and port.
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
 * Put a linked operation in front of the tabs kept from last time. GraphiQL itself would append it, and would
 * give up the examples where nothing is kept.
 */
export function openFirst(linked, defaults) {
  const kept = tabsKept() ?? defaults.map(tab);
  const others = kept.filter((each) => !(same(each.query, linked.query) && same(each.variables, linked.variables)));
  storage.setItem(TABS, JSON.stringify({ tabs: [tab(linked), ...others], activeTabIndex: 0 }));
  // What GraphiQL looks for among the tabs to choose the one to show.
  for (const name of ['query', 'variables']) {
    if (linked[name]) storage.setItem(`graphiql:${name}`, linked[name]);
    else storage.removeItem(`graphiql:${name}`);
  }
}

function tabsKept() {
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
