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
import { examples, forgetLink, httpUrl, linked, socketUrl } from './page.js';
import { openFirst, storage } from './storage.js';

// As many as fit beside each other; the side bar has them all.
const tabs = examples.slice(0, 7).map(({ query, variables }) => ({ query, variables }));

if (linked) openFirst(linked, tabs);

const fetcher = createGraphiQLFetcher({
  url: httpUrl,
  // A refused or ended subscription should say so at once, not be tried again behind the reader's back.
  wsClient: createClient({ url: socketUrl, retryAttempts: 0 }),
  // Nothing here is deferred, and without it the Accept header is the one of the GraphQL-over-HTTP specification.
  enableIncrementalDelivery: false,
});

const plugins = [examplesPlugin, explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];

// So that the variables editor accepts what the server does; unknown scalars would be strings only.
const number = { type: ['string', 'number'] };
const anything = { type: ['string', 'number', 'boolean', 'object', 'array', 'null'] };
const scalars = { Decimal: number, BigInt: number, JSON: anything };

/** Selects the operation a link names: the editor starts with a document's first. */
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

/** Keeps the chosen tab in sight: a new one opens past the end of a full row. */
function TabInSight() {
  const { id, title } = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]);
  useEffect(() => {
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [id, title]);
  return null;
}

function edited(query) {
  if (linked && query !== linked.query) forgetLink();
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
    onEditQuery={edited}
  >
    <GraphiQL.Logo>
      <a href={new URL('.', location.href).href}>ModelMeta</a>
    </GraphiQL.Logo>
    <NamedOperation />
    <TabInSight />
  </GraphiQL>,
);
