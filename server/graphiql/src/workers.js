// Monaco's workers as files from our own origin; blob workers would need a looser content security policy.
const { editor, json, graphql } = WORKERS; // written in by build.mjs

globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = { json, graphql }[label] ?? editor;
    return new Worker(new URL(file, import.meta.url), { name: label });
  },
};
