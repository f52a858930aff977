import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { pageChunks } from "./scripts/chunks.ts";

const server = process.env.DIORAMA_URL ?? "http://127.0.0.1:8031";

export default defineConfig({
  plugins: [react(), tailwindcss(), pageChunks()],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  build: {
    outDir: "../src/diorama_web/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content policy allows no inlined fonts
    modulePreload: { polyfill: false },
    target: "es2023",
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler)\// },
            { name: "query", test: /node_modules\/(@tanstack\/(react-query|query-core)|openapi-fetch)\// },
            { name: "router", test: /node_modules\/(@tanstack\/(react-router|router-core|history|store|react-store)|use-sync-external-store)/ },
            { name: "common", test: /src\/(api|lib|jobs|ui\/(?!Menu)|pages\/[a-z]+\/(draft|recipe|gallery|words|handover|submit|bench|choose|search)\.ts)/ },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
});
