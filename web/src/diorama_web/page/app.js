import { call, follow } from "./api.js";
import { fillModels, fitForm, readForm } from "./controls.js";
import { frame } from "./sheet.js";

const $ = (id) => document.getElementById(id);
const KEPT_JOB = "diorama.job";
let running = null;
let cursor = null;
let spoken = "";

function say(text) {
  $("stage").textContent = text;
}

function announce(text) {
  if (text !== spoken) $("live").textContent = spoken = text;
}

function fail(error) {
  if (error?.status === 401) {
    $("key-dialog").showModal();
    return;
  }
  $("error").textContent = error ? error.message : "";
  $("error").hidden = !error;
}

function busy(on) {
  $("go").disabled = on;
  $("stop").hidden = !on;
  $("bar").hidden = !on;
}

function reuse({ prompt, model, seed }) {
  $("prompt").value = prompt;
  if ([...$("model").options].some((option) => option.value === model && !option.disabled)) $("model").value = model;
  $("more").open = true;
  chooseModel().then(() => {
    if (seed !== null) $("seed").value = seed;
  });
  $("prompt").focus();
}

function describe(state) {
  const numbers = state.numbers ?? {};
  const count = numbers.steps ? ` step ${numbers.step} of ${numbers.steps}` : "";
  const left = state.eta_seconds ? `, about ${Math.ceil(state.eta_seconds)} s left` : "";
  const place = state.queue_position > 1 ? `, number ${state.queue_position} in the queue` : "";
  return `${(state.status ?? "working").replaceAll("_", " ")}${count}${place}${left}`;
}

function onProgress(state) {
  if (typeof state.progress === "number") $("bar").value = state.progress;
  say(describe(state));
}

function onPreview({ mime, data }) {
  const preview = $("preview");
  preview.src = `data:${mime};base64,${data}`;
  preview.hidden = false;
  $("frame").classList.remove("empty");
}

function showNotes(job) {
  const lines = [
    ...job.adjusted.map((note) => `${note.field}: ${JSON.stringify(note.before)} became ${JSON.stringify(note.after)}. ${note.why}`),
    ...job.ignored.map((note) => `${note.field} has no effect. ${note.why}`),
  ];
  $("notes").replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function onJob(job) {
  onProgress(job);
  showNotes(job);
  announce(`The picture is ${describe(job)}.`);
  if (!["completed", "failed", "cancelled"].includes(job.status)) return;
  running = null;
  localStorage.removeItem(KEPT_JOB);
  busy(false);
  if (job.status === "failed") fail(new Error([job.error?.message, job.error?.fix].filter(Boolean).join(" ")));
  if (job.status !== "completed") {
    say(job.message || job.status);
    return;
  }
  const [first] = job.images;
  if (first) {
    $("preview").src = first.url;
    $("preview").alt = job.prompt;
    $("preview").hidden = false;
    $("frame").classList.remove("empty");
  }
  const seconds = (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000;
  say(`${job.model}   ${job.width ?? first?.width}×${job.height ?? first?.height}   ${seconds.toFixed(1)} s`);
  const about = { prompt: job.prompt, model: job.model, onReuse: reuse };
  $("results").replaceChildren(...job.images.map((picture) => frame(picture, about)));
  $("recent").prepend(...job.images.map((picture) => frame(picture, about)));
  $("none").hidden = true;
}

function watch(jobId) {
  running = jobId;
  localStorage.setItem(KEPT_JOB, jobId);
  busy(true);
  follow(jobId, {
    onJob,
    onProgress,
    onPreview,
    onLost: (gone) => {
      if (running !== jobId) return;
      say("The connection is lost; trying again.");
      if (gone) setTimeout(() => running === jobId && watch(jobId), 3000);
    },
  });
}

async function submit(event) {
  event?.preventDefault();
  if (running || !$("prompt").value.trim()) return;
  fail(null);
  $("bar").value = 0;
  $("preview").hidden = true;
  $("frame").classList.add("empty");
  $("results").replaceChildren();
  say("Sent.");
  busy(true);
  try {
    const accepted = await call("/api/jobs", { method: "POST", body: readForm() });
    watch(accepted.job_id);
  } catch (error) {
    busy(false);
    say("Nothing is running.");
    fail(error);
  }
}

async function chooseModel() {
  if (!$("model").value) {
    $("model-note").textContent = "No model is ready. The command `diorama doctor` says what is missing.";
    return;
  }
  try {
    fitForm(await call(`/api/models/${$("model").value.split("/").map(encodeURIComponent).join("/")}`));
  } catch (error) {
    fail(error);
  }
}

async function loadRecent() {
  const query = new URLSearchParams({ kind: "image", limit: "24", ...(cursor ? { cursor } : {}) });
  const page = await call(`/api/assets?${query}`);
  cursor = page.next_cursor;
  $("older").hidden = !cursor;
  $("recent").append(
    ...page.assets.map((asset) => frame(asset, { prompt: asset.prompt, model: asset.model, onReuse: reuse })),
  );
  $("none").hidden = $("recent").children.length > 0;
}

async function resume() {
  const kept = localStorage.getItem(KEPT_JOB);
  if (!kept) return;
  try {
    await call(`/api/jobs/${kept}/status`);
    watch(kept);
  } catch {
    localStorage.removeItem(KEPT_JOB);
  }
}

async function start() {
  try {
    fillModels(await call("/api/models?operation=generate"));
    await Promise.all([chooseModel(), loadRecent(), resume()]);
    const machine = await call("/api/system/status");
    $("machine").textContent = `${machine.devices.join(", ")}   diorama ${machine.version}`;
  } catch (error) {
    fail(error);
  }
}

$("form").addEventListener("submit", submit);
$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
$("model").addEventListener("change", chooseModel);
$("older").addEventListener("click", () => loadRecent().catch(fail));
$("stop").addEventListener("click", () => running && call(`/api/jobs/${running}`, { method: "DELETE" }).catch(fail));
$("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await call("/api/sign-in", { method: "POST", body: { key: $("key").value } });
    $("key-dialog").close();
    $("key").value = "";
    start();
  } catch (error) {
    $("key-error").textContent = error.message;
    $("key-error").hidden = false;
  }
});
start();
