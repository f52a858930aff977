// What the workflow pages ask the server.
import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { client } from "@/api/queries";
import { newId } from "@/lib/numbers";
import type { Overrides, Values, Workflow } from "./form";

export const comfy = {
  status: queryOptions({
    queryKey: ["comfyui", "status"],
    queryFn: ({ signal }) => take(api.GET("/api/comfyui/status", { signal })),
    refetchInterval: 10_000,
    staleTime: 5000,
  }),
  list: queryOptions({
    queryKey: ["comfyui", "workflows"],
    queryFn: ({ signal }) => take(api.GET("/api/comfyui/workflows", { signal })),
  }),
  one: (id: string) =>
    queryOptions({
      queryKey: ["comfyui", "workflow", id],
      queryFn: ({ signal }) => take(api.GET("/api/comfyui/workflows/{workflow_id}", { params: { path: { workflow_id: id } }, signal })),
    }),
};
export type Server = Awaited<ReturnType<NonNullable<typeof comfy.status.queryFn>>>["servers"][number];

const one = (id: string) => ({ params: { path: { workflow_id: id } } });

/** What changes when the library of workflows does: they are models. */
async function refresh(): Promise<void> {
  await Promise.all([client.invalidateQueries({ queryKey: ["comfyui", "workflows"] }), client.invalidateQueries({ queryKey: ["models"] }), client.invalidateQueries({ queryKey: ["model"] })]);
}

/** Takes in a file that is a workflow or carries one. */
export async function importWorkflow(file: File): Promise<Workflow> {
  const form = new FormData();
  form.append("file", file);
  const workflow = await take(api.POST("/api/comfyui/workflows", { body: form as never, bodySerializer: (body) => body as unknown as FormData }));
  client.setQueryData(comfy.one(workflow.id).queryKey, workflow);
  await refresh();
  return workflow;
}

export interface Change {
  title?: string;
  server?: string | null;
  overrides?: Overrides;
}

export async function changeWorkflow(id: string, change: Change): Promise<void> {
  client.setQueryData(comfy.one(id).queryKey, await take(api.PUT("/api/comfyui/workflows/{workflow_id}", { ...one(id), body: change as never })));
  await refresh();
}

export async function deleteWorkflow(id: string): Promise<void> {
  await take(api.DELETE("/api/comfyui/workflows/{workflow_id}", one(id)));
  client.removeQueries({ queryKey: comfy.one(id).queryKey });
  await refresh();
}

/** Runs a workflow; the key keeps a repeated press from running it twice. */
export async function runWorkflow(id: string, parameters: Values): Promise<string> {
  return (await take(api.POST("/api/comfyui/jobs", { body: { workflow_id: id, parameters, idempotency_key: newId() } as never }))).job_id;
}

export const interrupt = (server: string) => take(api.POST("/api/comfyui/interrupt", { body: { server } as never }));
export const freeMemory = (server: string) => take(api.POST("/api/comfyui/free", { body: { server, unload_models: true } as never }));
