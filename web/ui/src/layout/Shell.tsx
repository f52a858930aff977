import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Problem, whenKeyIsNeeded } from "@/api/client";
import { queries } from "@/api/queries";
import { currentTheme, showTheme } from "@/lib/theme";
import { Toasts } from "@/ui/toasts";
import { DropAnywhere } from "./DropAnywhere";
import { KeyDialog } from "./KeyDialog";
import { Masthead } from "./Masthead";
import { type Overlay, useShortcuts } from "./shortcuts";

const Palette = lazy(() => import("./Palette"));
const ShortcutSheet = lazy(() => import("./ShortcutSheet"));

/** What surrounds every page. */
export function Shell() {
  const [needsKey, setNeedsKey] = useState(false);
  const [overlay, setOverlay] = useState<Overlay>(null);
  useShortcuts(setOverlay);
  useEffect(() => whenKeyIsNeeded(() => setNeedsKey(true)), []);
  useFocusAfterNavigation();
  useKeptTheme();
  return (
    <div className="shell">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-raised focus:p-2">To the content</a>
      <Masthead onPalette={() => setOverlay("palette")} />
      <main id="main" tabIndex={-1} className="min-w-0 outline-none">
        <Suspense fallback={<p className="page hint">Loading.</p>}>
          <Outlet />
        </Suspense>
      </main>
      <p id="voice" className="sr" role="status" aria-live="polite" />
      <Toasts />
      <DropAnywhere />
      {needsKey && <KeyDialog onDone={() => setNeedsKey(false)} />}
      <Suspense>
        {overlay === "palette" && <Palette onClose={() => setOverlay(null)} />}
        {overlay === "sheet" && <ShortcutSheet onClose={() => setOverlay(null)} />}
      </Suspense>
    </div>
  );
}

/** The theme that was chosen in another browser. */
function useKeptTheme(): void {
  const theme = useQuery(queries.preferences).data?.theme;
  useEffect(() => {
    if (theme && theme !== currentTheme()) showTheme(theme);
  }, [theme]);
}

/** Another page starts at its beginning, for those who do not see that it changed. */
function useFocusAfterNavigation(): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else if (document.activeElement === document.body || document.activeElement?.closest("nav")) document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
}

export function NotFound() {
  return (
    <section className="page">
      <h1 className="title mb-2">There is nothing at this address.</h1>
      <p className="hint">
        Go to the <Link to="/image" className="text-link">bench</Link> or the <Link to="/assets" className="text-link">library</Link>.
      </p>
    </section>
  );
}

export function Failed({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <section className="page" role="alert">
      <h1 className="title mb-2">{error instanceof Error ? error.message : "This page could not be shown."}</h1>
      {error instanceof Problem && error.fix && <p className="hint mb-3">{error.fix}</p>}
      <button type="button" className="button" onClick={reset}>Try again</button>
    </section>
  );
}
