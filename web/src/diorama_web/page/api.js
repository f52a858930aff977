// Talking to the server. Errors carry the server's own sentence and remedy.

export class ApiError extends Error {
  constructor(status, problem) {
    super([problem.message, problem.fix].filter(Boolean).join(" "));
    this.status = status;
    this.field = problem.field;
  }
}

export async function call(path, { method = "GET", body } = {}) {
  const options = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new ApiError(0, { message: "The server does not answer.", fix: "Is it still running?" });
  }
  const plain = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new ApiError(answer.status, plain.error ?? { message: `The server answered ${answer.status}.` });
  }
  return plain;
}

// Follows a job to its end. The browser reconnects by itself and says which event it had last.
export function follow(jobId, { onJob, onProgress, onPreview, onLost }) {
  const source = new EventSource(`/api/jobs/${jobId}/events`);
  const read = (event) => JSON.parse(event.data);
  source.addEventListener("status", (event) => {
    const job = read(event);
    onJob(job);
    if (["completed", "failed", "cancelled"].includes(job.status)) source.close();
  });
  source.addEventListener("progress", (event) => onProgress(read(event)));
  source.addEventListener("queue", (event) => onProgress(read(event)));
  source.addEventListener("preview", (event) => onPreview(read(event)));
  source.onerror = () => onLost(source.readyState === EventSource.CLOSED);
  return () => source.close();
}
