import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const server = process.env.DIORAMA_URL ?? "http://127.0.0.1:8031";

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
            { name: "vendor", test: /node_modules\/(@tanstack|openapi-fetch|thumbhash|use-sync-external-store)/ },
            { name: "common", test: /src\/(api|lib|jobs|ui\/(?!Menu)|pages\/[a-z]+\/(draft|recipe|gallery|words|handover|submit|bench)\.ts)/ },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
});
