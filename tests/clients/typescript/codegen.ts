import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../../schema/schema.graphql",
  documents: "../operations.graphql",
  generates: {
    "registry.ts": {
      plugins: ["typescript-operations", "typed-document-node"],
      config: {
        strictScalars: true,
        useTypeImports: true,
        scalars: {
          BigInt: "number | string",
          Date: "string",
          DateTime: "string",
          Decimal: "string",
          JSON: "unknown",
          URL: "string",
        },
      },
    },
  },
};

export default config;
