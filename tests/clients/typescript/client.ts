import { request } from "graphql-request";
import { CheapestWithToolsDocument, FindModelDocument } from "./registry.js";

const [, , address, ref] = process.argv;
const usage = { inputTokens: 50_000, outputTokens: 2_000 };

const { model } = await request(address, FindModelDocument, { ref, usage });
if (!model) throw new Error(`no model is called "${ref}"`);
const { price, cost } = model;
console.log(
  cost.total === null
    ? `${model.ref}: ${price.publication}, no rate for ${cost.unpricedMeters.join(" and ")}`
    : `${model.ref}: ${price.input} in, ${price.output} out per 1M tokens; this usage costs ${cost.total} ${cost.currency}`,
);

const { models } = await request(address, CheapestWithToolsDocument, { first: 3 });
console.log(models.nodes.map(({ ref, price }) => `${ref} at ${price.input}`).join(", "));
