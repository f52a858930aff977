import { getRouteApi } from "@tanstack/react-router";
import { Desk } from "./Desk";

const route = getRouteApi("/image");

export default function ImagePage() {
  return <Desk medium="image" search={route.useSearch()} />;
}
