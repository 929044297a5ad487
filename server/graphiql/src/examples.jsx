// The examples in the sidebar, so that a closed tab can be opened again.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

import { examples } from './page.js';

function Icon(props) {
  return (
    <svg viewBox="0 0 24 24" height="1em" fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinejoin="round" {...props}>
      <path d="M12 3.5 2.5 8.5l9.5 5 9.5-5zM2.5 12.5l9.5 5 9.5-5M2.5 16.5l9.5 5 9.5-5" />
    </svg>
  );
}

const links = [
  ['schema.graphql', 'Schema (SDL) with documentation'],
  ['.', 'Model catalog'],
  ['changes', 'Recent changes'],
];

function Examples() {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(({ tabs, queryEditor, variableEditor }) => ({
    tabs,
    queryEditor,
    variableEditor,
  }));

  function open({ query, variables }) {
    const index = tabs.findIndex((tab) => tab.query === query && (tab.variables ?? '') === (variables ?? ''));
    if (index >= 0) return changeTab(index);
    addTab();
    // The new tab takes its content from the editors.
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables ?? '');
  }

  return (
    <section aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <ul className="examples">
        {examples.map((example) => (
          <li key={example.name}>
            <button type="button" className="graphiql-un-styled" onClick={() => open(example)}>
              {example.title}
              <code>{example.name}</code>
            </button>
          </li>
        ))}
      </ul>
      <nav aria-label="More" className="read-on">
        {links.map(([path, name]) => (
          <a key={path} href={new URL(path, location.href).href}>
            {name}
          </a>
        ))}
      </nav>
    </section>
  );
}

export const examplesPlugin = { title: 'Examples', icon: Icon, content: Examples };
