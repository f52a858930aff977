// The libraries are run one by one, so that the browser can draw and answer in between: a phone takes a while for each.
import "./styles/index.css";

const turn = (): Promise<void> => new Promise((go) => setTimeout(go));

async function run(): Promise<void> {
  await import("react-dom/client");
  await turn();
  await import("./api/queries");
  await turn();
  const { prepare } = await import("./start");
  await turn();
  await prepare();
}

void run();
