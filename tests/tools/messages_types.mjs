// Standard input: the JSON Schema of the messages. Standard output: their TypeScript declarations.
import { text } from "node:stream/consumers";
import { compile } from "json-schema-to-typescript";

const schema = JSON.parse(await text(process.stdin));

process.stdout.write(
  await compile(schema, schema.title, {
    additionalProperties: false,
    bannerComment: "/* Generated from host/poterne/report.py by `make types`. */",
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
  }),
);
