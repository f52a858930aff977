// Shows the OpenAPI document of this server; nothing is loaded from elsewhere.
import { call } from "./api.js";

const make = (name, text = "", kind = "") => Object.assign(document.createElement(name), { textContent: text, className: kind });
let schemas = {};

function nameOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(nameOf).join(" or ");
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(", ");
  if (schema.type === "array") return `list of ${nameOf(schema.items)}`;
  return schema.type ?? "anything";
}

function limits(schema) {
  const known = { minimum: "from", maximum: "to", exclusiveMinimum: "above", minLength: "at least", maxLength: "at most", maxItems: "at most" };
  const parts = [schema, ...(schema.anyOf ?? [])];
  const found = parts.flatMap((part) => Object.entries(known).filter(([key]) => key in part).map(([key, word]) => `${word} ${part[key]}`));
  return found.join(", ");
}

function fields(schema) {
  const resolved = schema?.$ref ? schemas[nameOf(schema)] : schema;
  if (!resolved?.properties) return make("p", nameOf(schema));
  const table = make("table");
  for (const [name, part] of Object.entries(resolved.properties)) {
    const row = make("tr");
    const cell = make("td");
    cell.append(make("code", name + (resolved.required?.includes(name) ? " *" : "")));
    row.append(cell, make("td", nameOf(part)), make("td", [limits(part), part.description].filter(Boolean).join(". ")));
    table.append(row);
  }
  return table;
}

function body(operation) {
  return Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => {
    const part = make("section");
    part.append(make("h3", `Body, ${type}`), fields(media.schema));
    return part;
  });
}

function route(path, method, operation) {
  const details = make("details", "", "route");
  const summary = make("summary");
  summary.append(make("span", method.toUpperCase(), "method"), make("code", path), make("span", operation.description?.split("\n")[0] ?? ""));
  details.append(summary);
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    if (operation.parameters?.length) {
      const properties = Object.fromEntries(operation.parameters.map((item) => [item.name, { ...item.schema, description: [item.in, item.description ?? item.schema.description].filter(Boolean).join(". ") }]));
      const required = operation.parameters.filter((item) => item.required).map((item) => item.name);
      details.append(make("h3", "Parameters"), fields({ properties, required }));
    }
    details.append(...body(operation));
    for (const [status, answer] of Object.entries(operation.responses)) {
      const schema = Object.values(answer.content ?? {})[0]?.schema;
      details.append(make("h3", `${status} ${answer.description ?? ""}`));
      if (schema) details.append(fields(schema));
    }
  });
  return details;
}

const spec = await call("/openapi.json");
schemas = spec.components.schemas;
document.getElementById("about").textContent = `version ${spec.info.version}`;
const groups = new Map();
for (const [path, methods] of Object.entries(spec.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const tag = operation.tags?.[0] ?? "other";
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(route(path, method, operation));
  }
}
document.getElementById("routes").replaceChildren(
  ...[...groups].map(([tag, routes]) => {
    const section = make("section");
    section.append(make("h2", tag), ...routes);
    return section;
  }),
);
