import { getRouteApi } from "@tanstack/react-router";
import { Desk } from "./Desk";

const route = getRouteApi("/video");

export default function VideoPage() {
  return <Desk medium="video" search={route.useSearch()} />;
}
