import { client } from "@/api/queries";
import { copyText } from "@/lib/files";
import { Icon } from "@/ui/icons";
import { say, speak } from "@/ui/toasts";
import { type Issue, packageUrl, type Workflow } from "./form";
import { comfy } from "./queries";

const web = (url: string | null): string | undefined => (url && /^https?:\/\//i.test(url) ? url : undefined);

/** What a workflow needs and no server has, and what could not be placed: said before anything runs. */
export function Needs({ workflow }: { workflow: Workflow }) {
  const errors = [...workflow.problems, ...workflow.issues].filter((item) => item.severity === "error" && item.code !== "missing_class");
  const others = [...workflow.issues, ...workflow.problems].filter((item) => item.severity !== "error");
  const again = () => client.refetchQueries({ queryKey: comfy.one(workflow.id).queryKey }).then(() => speak("Looked again.", true));
  const { missing_nodes: nodes, missing_files: files } = workflow;
  if (!errors.length && !others.length && !nodes.length && !files.length && !workflow.reason && !workflow.paid) return null;
  return (
    <div className="mb-5 grid gap-5">
      {workflow.reason && <p className="note" role="alert"><strong>It cannot run.</strong> {workflow.reason}</p>}
      {nodes.length > 0 && <MissingNodes nodes={nodes} />}
      {files.length > 0 && <MissingFiles files={files} />}
      {(nodes.length > 0 || files.length > 0) && <button type="button" className="button justify-self-start" onClick={() => void again()}><Icon name="again" />Look again</button>}
      {workflow.paid && <p className="note">It holds nodes that call paid services; ComfyUI's account is billed for them.</p>}
      {errors.length > 0 && <section><h2 className="label mb-1">What could not be placed</h2><Issues issues={errors} /></section>}
      {others.length > 0 && <details><summary className="label">Remarks from the import ({others.length})</summary><div className="pt-2"><Issues issues={others} /></div></details>}
    </div>
  );
}

function MissingNodes({ nodes }: { nodes: Workflow["missing_nodes"] }) {
  return (
    <section aria-label="Missing nodes">
      <h2 className="label mb-1 !text-mark">{nodes.length === 1 ? "One kind of node is missing" : `${nodes.length} kinds of nodes are missing`}</h2>
      <p className="hint mb-1">Install them with ComfyUI's manager, restart ComfyUI, and come back here.</p>
      <ul className="rows border-t border-line">
        {nodes.map((node) => {
          const url = node.package ? packageUrl(node.package) : null;
          return (
            <li key={node.class_type} className="flex flex-wrap items-center justify-between gap-x-4 py-2">
              <span className="param">{node.class_type}{node.nodes.length > 1 ? ` × ${node.nodes.length}` : ""}</span>
              {node.package ? url ? <a className="text-link" href={url} target="_blank" rel="noreferrer noopener">{node.package}</a> : <span className="hint">{node.package}</span> : <span className="hint">the file does not say which package has it</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function MissingFiles({ files }: { files: Workflow["missing_files"] }) {
  const copy = async (text: string) => say((await copyText(text)) ? "Copied." : "The browser does not allow copying.");
  return (
    <section aria-label="Missing model files">
      <h2 className="label mb-1 !text-mark">{files.length === 1 ? "One model file is missing" : `${files.length} model files are missing`}</h2>
      <p className="hint mb-1">Put them into ComfyUI's folders, or choose files in the form that it has.</p>
      <ul className="rows border-t border-line">
        {files.map((file) => (
          <li key={`${file.node}-${file.input}-${file.name}`} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-2">
            <span className="min-w-0"><span className="param">{file.name}</span>{file.directory && <span className="hint block">into models/{file.directory}</span>}{file.sha256 && <span className="param block truncate text-[0.8rem] text-dim">sha256 {file.sha256}</span>}</span>
            <span className="flex items-center gap-2">
              {web(file.url) ? <a className="button" href={web(file.url)} target="_blank" rel="noreferrer noopener">Download</a> : <span className="hint">the file names no source</span>}
              <button type="button" className="button bare" aria-label={`Copy the name ${file.name}`} onClick={() => void copy(file.name)}>Copy the name</button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Issues({ issues }: { issues: readonly Issue[] }) {
  return (
    <ul className="rows border-t border-line">
      {issues.map((issue, index) => (
        <li key={index} className="flex flex-wrap justify-between gap-x-4 py-1.5 text-[0.95rem]"><span>{issue.message}</span>{issue.class_type && <span className="param text-dim">{issue.class_type}{issue.node ? ` ${issue.node}` : ""}</span>}</li>
      ))}
    </ul>
  );
}
