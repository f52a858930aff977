import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { startTransition, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./api/queries";
import { followJobs } from "./jobs/follow";
import { forgetEarly } from "./lib/early";
import { router } from "./router";

const EARLY = 5000;

/** Reads what the page at this address needs, then draws it in place of the frame in index.html. */
export async function prepare(): Promise<void> {
  const root = document.getElementById("root");
  if (!root) return;
  followJobs();
  await router.load();
  startTransition(() =>
    createRoot(root).render(
      <StrictMode>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </StrictMode>,
    ),
  );
  setTimeout(forgetEarly, EARLY);
}
