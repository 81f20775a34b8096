// Dragging of results out of the page.

import { resultOf } from "./api.js";

// Let a result be dropped into a folder or another program.
export function dragResult(event, view) {
  const address = new URL(resultOf(view.id), location.href).href;
  event.dataTransfer.effectAllowed = "copy";
  event.dataTransfer.setData("DownloadURL", `image/${view.format}:${view.result_name}:${address}`);
  event.dataTransfer.setData("text/uri-list", address);
}
