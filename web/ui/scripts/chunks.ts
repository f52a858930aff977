// Tells the page which files its own address needs, so that they are on their way before the first script has run.
import type { Plugin, Rolldown } from "vite";

type Chunk = Rolldown.OutputChunk;
/** First part of an address, and the module that draws it. */
const PAGES: Record<string, string> = {
  image: "image/ImagePage", video: "image/VideoPage", assets: "assets/GalleryPage", asset: "assets/AssetPage", compare: "assets/ComparePage",
  models: "models/ModelsPage", model: "models/ModelPage", queue: "queue/QueuePage", job: "queue/JobPage", logs: "logs/LogsPage", settings: "settings/SettingsPage",
};
/** Loaded one after the other by src/main.ts. */
const ALWAYS = "src/start.tsx";
/** What the first view is written in. */
const FIRST_FONTS = /\/(barlow-600|archivo|courier)-(?!latin|prime)[^/]+\.woff2$/;

export function pageChunks(): Plugin {
  return {
    name: "page-chunks",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((item): item is Chunk => item.type === "chunk");
        const behind = (end: string): Chunk[] => closure(chunks.find((chunk) => chunk.facadeModuleId?.endsWith(end)), chunks);
        const always = new Set(behind(ALWAYS).map((chunk) => chunk.fileName));
        const pages = Object.entries(PAGES).map(([name, module]) => [name, behind(`/pages/${module}.tsx`).map((chunk) => chunk.fileName).filter((file) => !always.has(file))]);
        const fonts = Object.keys(bundle ?? {}).filter((file) => FIRST_FONTS.test(file)).map((file) => `<link rel="preload" as="font" type="font/woff2" crossorigin href="/${file}">`);
        const links = [...always].filter((file) => !html.includes(file)).map((file) => `<link rel="modulepreload" fetchpriority="low" crossorigin href="/${file}">`);
        const named = JSON.stringify(Object.fromEntries(pages)).replaceAll('"', "&quot;");
        // the frame and its fonts are drawn first: they come before the scripts on a slow line
        return html.replace('<script type="module"', '<script type="module" async').replace('src="/early.js"', `src="/early.js" data-chunks="${named}"`).replace("</head>", `  ${[...fonts, ...links].join("\n  ")}\n</head>`);
      },
    },
  };
}

/** A chunk and all that it imports at once. */
function closure(first: Chunk | undefined, chunks: readonly Chunk[]): Chunk[] {
  const found = new Set<Chunk>();
  const visit = (chunk: Chunk | undefined): void => {
    if (!chunk || found.has(chunk)) return;
    found.add(chunk);
    for (const name of chunk.imports) visit(chunks.find((item) => item.fileName === name));
  };
  visit(first);
  return [...found];
}
