import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { compareSearch, deskSearch, gallerySearch, logSearch, modelSearch, queueSearch } from "./lib/search";
import ImagePage from "./pages/image/ImagePage";
import VideoPage from "./pages/image/VideoPage";
import { readModelSearch, readSearch } from "./pages/civitai/search";
import { Failed, NotFound, Shell } from "./layout/Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Failed });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/image" });
  },
});
const image = createRoute({ getParentRoute: () => root, path: "/image", validateSearch: deskSearch, component: ImagePage });
const video = createRoute({ getParentRoute: () => root, path: "/video", validateSearch: deskSearch, component: VideoPage });
const assets = createRoute({ getParentRoute: () => root, path: "/assets", validateSearch: gallerySearch, component: lazyRouteComponent(() => import("./pages/assets/GalleryPage")) });
const asset = createRoute({ getParentRoute: () => root, path: "/asset/$id", component: lazyRouteComponent(() => import("./pages/assets/AssetPage")) });
const videoAsset = createRoute({ getParentRoute: () => root, path: "/asset/video/$id", component: lazyRouteComponent(() => import("./pages/assets/AssetPage")) });
const compare = createRoute({ getParentRoute: () => root, path: "/compare", validateSearch: compareSearch, component: lazyRouteComponent(() => import("./pages/assets/ComparePage")) });
const models = createRoute({ getParentRoute: () => root, path: "/models", validateSearch: modelSearch, component: lazyRouteComponent(() => import("./pages/models/ModelsPage")) });
const model = createRoute({ getParentRoute: () => root, path: "/model/$", component: lazyRouteComponent(() => import("./pages/models/ModelPage")) });
const queue = createRoute({ getParentRoute: () => root, path: "/queue", validateSearch: queueSearch, component: lazyRouteComponent(() => import("./pages/queue/QueuePage")) });
const job = createRoute({ getParentRoute: () => root, path: "/job/$id", component: lazyRouteComponent(() => import("./pages/queue/JobPage")) });
const logs = createRoute({ getParentRoute: () => root, path: "/logs", validateSearch: logSearch, component: lazyRouteComponent(() => import("./pages/logs/LogsPage")) });
const settings = createRoute({ getParentRoute: () => root, path: "/settings", component: lazyRouteComponent(() => import("./pages/settings/SettingsPage")) });
const workflows = createRoute({ getParentRoute: () => root, path: "/workflows", component: lazyRouteComponent(() => import("./pages/workflows/WorkflowsPage")) });
const workflow = createRoute({ getParentRoute: () => root, path: "/workflows/$id", component: lazyRouteComponent(() => import("./pages/workflows/WorkflowPage")) });
const civitai = createRoute({ getParentRoute: () => root, path: "/civitai", validateSearch: readSearch, component: lazyRouteComponent(() => import("./pages/civitai/CivitaiPage")) });
const civitaiModel = createRoute({ getParentRoute: () => root, path: "/civitai/$id", validateSearch: readModelSearch, component: lazyRouteComponent(() => import("./pages/civitai/ModelPage")) });

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
