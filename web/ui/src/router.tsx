import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { client, queries } from "./api/queries";
import { compareSearch, deskSearch, gallerySearch, logSearch, modelSearch, queueSearch } from "./lib/search";
import { soon } from "./lib/soon";
import { galleryQuery } from "./pages/assets/gallery";
import { readBench } from "./pages/image/choose";
import { readModelSearch, readSearch } from "./pages/civitai/search";
import { Failed, NotFound, Shell } from "./layout/Shell";

/** What is read when a page is entered; after that its own queries keep it fresh. */
const once = { staleTime: Infinity, gcTime: 0 } as const;

const root = createRootRoute({
  component: Shell, notFoundComponent: NotFound, errorComponent: Failed, ...once,
  loader: () => soon([client.prefetchQuery(queries.preferences), client.prefetchQuery(queries.plugins), client.prefetchQuery(queries.status), client.prefetchQuery(queries.costs)]),
});
const under = () => root;

const home = createRoute({
  getParentRoute: under,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/image" });
  },
});
const desk = (medium: "image" | "video") => ({ location }: { location: { search: unknown } }) => soon([readBench(medium, deskSearch(location.search as Record<string, unknown>).session)]);
const image = createRoute({ getParentRoute: under, path: "/image", validateSearch: deskSearch, loader: desk("image"), ...once, component: lazyRouteComponent(() => import("./pages/image/ImagePage")) });
const video = createRoute({ getParentRoute: under, path: "/video", validateSearch: deskSearch, loader: desk("video"), ...once, component: lazyRouteComponent(() => import("./pages/image/VideoPage")) });
const assets = createRoute({
  getParentRoute: under, path: "/assets", validateSearch: gallerySearch, ...once,
  loader: ({ location }) => soon([client.prefetchInfiniteQuery(galleryQuery(gallerySearch(location.search as Record<string, unknown>)))]),
  component: lazyRouteComponent(() => import("./pages/assets/GalleryPage")),
});
const readAsset = ({ params }: { params: { id: string } }) => soon([client.prefetchQuery(queries.asset(params.id))]);
const asset = createRoute({ getParentRoute: under, path: "/asset/$id", loader: readAsset, ...once, component: lazyRouteComponent(() => import("./pages/assets/AssetPage")) });
const videoAsset = createRoute({ getParentRoute: under, path: "/asset/video/$id", loader: readAsset, ...once, component: lazyRouteComponent(() => import("./pages/assets/AssetPage")) });
const compare = createRoute({ getParentRoute: under, path: "/compare", validateSearch: compareSearch, component: lazyRouteComponent(() => import("./pages/assets/ComparePage")) });
const models = createRoute({ getParentRoute: under, path: "/models", validateSearch: modelSearch, loader: () => soon([client.prefetchQuery(queries.models())]), ...once, component: lazyRouteComponent(() => import("./pages/models/ModelsPage")) });
const model = createRoute({ getParentRoute: under, path: "/model/$", component: lazyRouteComponent(() => import("./pages/models/ModelPage")) });
const queue = createRoute({
  getParentRoute: under, path: "/queue", validateSearch: queueSearch, ...once,
  loader: ({ location }) => {
    const { show } = queueSearch(location.search as Record<string, unknown>);
    return soon([client.prefetchQuery(queries.queue), client.prefetchInfiniteQuery(queries.jobs(show ? { status: show } : {}))]);
  },
  component: lazyRouteComponent(() => import("./pages/queue/QueuePage")),
});
const job = createRoute({ getParentRoute: under, path: "/job/$id", component: lazyRouteComponent(() => import("./pages/queue/JobPage")) });
const logs = createRoute({ getParentRoute: under, path: "/logs", validateSearch: logSearch, component: lazyRouteComponent(() => import("./pages/logs/LogsPage")) });
const settings = createRoute({
  getParentRoute: under, path: "/settings", ...once,
  loader: () => soon([client.prefetchQuery(queries.models()), client.prefetchQuery(queries.providers), client.prefetchQuery(queries.costsBy("day"))]),
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage")),
});
const workflows = createRoute({ getParentRoute: under, path: "/workflows", component: lazyRouteComponent(() => import("./pages/workflows/WorkflowsPage")) });
const workflow = createRoute({ getParentRoute: under, path: "/workflows/$id", component: lazyRouteComponent(() => import("./pages/workflows/WorkflowPage")) });
const civitai = createRoute({ getParentRoute: under, path: "/civitai", validateSearch: readSearch, component: lazyRouteComponent(() => import("./pages/civitai/CivitaiPage")) });
const civitaiModel = createRoute({ getParentRoute: under, path: "/civitai/$id", validateSearch: readModelSearch, component: lazyRouteComponent(() => import("./pages/civitai/ModelPage")) });

export const router = createRouter({
  routeTree: root.addChildren([home, image, video, assets, asset, videoAsset, compare, models, model, queue, job, logs, settings, workflows, workflow, civitai, civitaiModel]),
  scrollRestoration: true,
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
