// GraphiQL for the registry: examples as tabs, explorer, history, subscriptions over graphql-transport-ws.
import './workers.js';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';

import { examplesPlugin } from './examples.jsx';
import { clearLink, examples, httpUrl, linked, socketUrl } from './page.js';
import { openFirst, storage } from './storage.js';

// As many as fit in a row; the sidebar lists all of them.
const tabs = examples.slice(0, 7).map(({ query, variables }) => ({ query, variables }));

if (linked) openFirst(linked, tabs);

const fetcher = createGraphiQLFetcher({
  url: httpUrl,
  // A rejected or ended subscription is reported at once instead of being retried silently.
  wsClient: createClient({ url: socketUrl, retryAttempts: 0 }),
  // The API does not defer anything, and without this the Accept header follows the GraphQL-over-HTTP specification.
  enableIncrementalDelivery: false,
});

const plugins = [examplesPlugin, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];

// The variables editor would accept only strings for custom scalars.
const numberOrString = { type: ['string', 'number'] };
const anyJson = { type: ['string', 'number', 'boolean', 'object', 'array', 'null'] };
const scalars = { Decimal: numberOrString, BigInt: numberOrString, JSON: anyJson };

/** Selects the operation named in the link; the editor would start with the first one of the document. */
function NamedOperation() {
  const { setOperationName } = useGraphiQLActions();
  const operations = useGraphiQL((state) => state.operations);
  const done = useRef(!linked?.operationName);
  useEffect(() => {
    if (done.current || !operations) return;
    done.current = true;
    if (operations.some((operation) => operation.name?.value === linked.operationName)) {
      setOperationName(linked.operationName);
    }
  }, [operations, setOperationName]);
  return null;
}

/** Scrolls to the active tab; in a full row, new tabs open out of sight. */
function ScrollToActiveTab() {
  const { id, title } = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]);
  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [id, title]);
  return null;
}

function handleEdit(query) {
  if (linked && query !== linked.query) clearLink();
}

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    defaultTabs={tabs}
    defaultEditorToolsVisibility
    customScalarSchemas={scalars}
    inputValueDeprecation
    schemaDescription
    onEditQuery={handleEdit}
  >
    <GraphiQL.Logo>
      <a href={new URL('.', location.href).href}>ModelMeta</a>
    </GraphiQL.Logo>
    <NamedOperation />
    <ScrollToActiveTab />
  </GraphiQL>,
);
