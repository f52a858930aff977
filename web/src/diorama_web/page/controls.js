// The form follows the model's capabilities: a control the model does not have is not shown.

const $ = (id) => document.getElementById(id);
const show = (name, on) => {
  document.querySelector(`[data-control="${name}"]`).hidden = !on;
};

export function fillModels(list) {
  const groups = new Map();
  for (const model of list.models) {
    if (!groups.has(model.backend)) groups.set(model.backend, []);
    groups.get(model.backend).push(model);
  }
  const select = $("model");
  select.replaceChildren();
  for (const [backend, models] of groups) {
    const group = document.createElement("optgroup");
    group.label = list.backends.find((item) => item.id === backend)?.title ?? backend;
    for (const model of models) {
      const option = new Option(model.title, model.id);
      option.disabled = model.availability.state !== "ready" && !model.downloadable;
      option.title = model.availability.fix ?? "";
      if (option.disabled) option.text += ` (${model.availability.state.replaceAll("_", " ")})`;
      group.append(option);
    }
    select.append(group);
  }
  const ready = list.models.filter((model) => model.availability.state === "ready");
  const preferred = ready.find((model) => model.id === list.default_model) ?? ready[0];
  if (preferred) select.value = preferred.id;
}

function range(name, limits) {
  show(name, Boolean(limits));
  if (!limits) return;
  const input = $(name);
  Object.assign(input, { min: limits.minimum, max: limits.maximum, placeholder: limits.default ?? "" });
  input.value = "";
}

function sizes(offered) {
  const pairs = [];
  const add = (width, height, label) => {
    if (!pairs.some((pair) => pair[0] === `${width}x${height}`)) pairs.push([`${width}x${height}`, label]);
  };
  if (offered?.default) add(...offered.default, `${offered.default.join(" × ")}`);
  for (const [width, height] of offered?.choices ?? []) add(width, height, `${width} × ${height}`);
  for (const [name, [width, height]] of Object.entries(offered?.ratios ?? {})) add(width, height, `${name}   ${width} × ${height}`);
  show("size", pairs.length > 1);
  $("size").replaceChildren(...pairs.map(([value, label]) => new Option(label, value)));
}

export function fitForm(model) {
  const can = model.operations.generate ?? {};
  show("negative_prompt", can.negative_prompt);
  show("seed", can.seed);
  range("steps", can.num_inference_steps);
  range("guidance_scale", can.guidance_scale);
  range("num_images", can.images_out?.maximum > 1 ? can.images_out : null);
  sizes(can.sizes);
  const price = model.price ? `${model.price.amount} ${model.price.currency} per ${model.price.per}` : "Free to run";
  const place = model.data_leaves_machine ? "the prompt leaves this machine" : "runs on this machine";
  const fix = model.availability.state === "ready" ? "" : ` ${model.availability.fix ?? ""}`;
  $("model-note").textContent = `${model.description} ${price}, ${place}.${fix}`.trim();
}

export function readForm() {
  const visible = (name) => !document.querySelector(`[data-control="${name}"]`).hidden;
  const body = { prompt: $("prompt").value.trim(), model: $("model").value, kind: "generate" };
  if (visible("negative_prompt") && $("negative_prompt").value) body.negative_prompt = $("negative_prompt").value;
  for (const name of ["steps", "guidance_scale", "num_images", "seed"]) {
    if (visible(name) && $(name).value !== "") body[name] = Number($(name).value);
  }
  if (visible("size") && $("size").value) [body.width, body.height] = $("size").value.split("x").map(Number);
  return body;
}
