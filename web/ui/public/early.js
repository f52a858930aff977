// Runs before the first paint: shows the chosen theme and the frame of the page that was asked for, and asks the server for what
// that page reads while the studio itself is still on its way. src/lib/early.ts hands the answers over.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("diorama.theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch {}

  const page = location.pathname.split("/")[1] || "image";
  root.dataset.page = page;
  const chunks = JSON.parse(document.currentScript.dataset.chunks || "{}");
  for (const file of chunks[page] || []) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", fetchPriority: "low", href: `/${file}`, crossOrigin: "" }));
  }

  const wide = matchMedia("(min-width: 64rem)").matches; // where results stand beside the bench
  const early = new Map();
  window.diorama = { early };
  const ask = (path) => {
    const answer = fetch(path);
    early.set(path, answer);
    return answer.then((response) => (response.ok ? response.clone().json() : Promise.reject(response.status)));
  };
  const look = (pictures, key) => {
    for (const picture of pictures) new Image().src = picture[key];
  };
  const bench = (list) =>
    ask(list).then(({ sessions }) => {
      const wanted = new URLSearchParams(location.search).get("session") || (sessions[0] && sessions[0].id);
      return wanted && ask(`/api/jobs?limit=30&session_id=${encodeURIComponent(wanted)}`).then(({ jobs }) => wide && look((jobs[0] || { images: [] }).images, "url"));
    });
  const sheet = () => ask("/api/assets?limit=60").then(({ assets }) => look(assets.slice(0, wide ? 12 : 4), "thumbnail_url"));
  const all = location.search === "";
  const READS = {
    image: () => [bench("/api/sessions?deleted=false&limit=200"), ask("/api/models"), ask("/api/settings/prompts")],
    video: () => [bench("/api/video-sessions?deleted=false&limit=200"), ask("/api/models"), ask("/api/settings/prompts")],
    assets: () => [...(all ? [sheet(), ask("/api/assets/count")] : []), ask("/api/models")],
    models: () => [ask("/api/models")],
    queue: () => [ask("/api/queue"), ...(all ? [ask("/api/jobs?limit=30")] : [])],
    settings: () => [ask("/api/models"), ask("/api/costs?by=day"), ask("/api/providers")],
  };
  const reads = READS[page] ? READS[page]() : [];
  const today = new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  reads.push(ask("/api/settings"), ask(`/api/costs?by=backend&since=${today}`), ask("/api/plugins"), ask("/api/system/status"), ask("/api/queue/jobs?limit=200"));
  for (const read of reads) read.catch(() => undefined); // whoever needs it asks again
})();
