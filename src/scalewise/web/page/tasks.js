// The tasks that the server offers, and the controls that each of them has.

import * as api from "./api.js";

let tasks = new Map();

// Fetch the tasks, and fill the list to choose from.
export async function loadTasks(select) {
  const listed = await api.tasks();
  tasks = new Map(listed.map((task) => [task.name, task]));
  const chosen = select.value;
  select.replaceChildren(...listed.map((task) => new Option(task.title, task.name)));
  if (tasks.has(chosen)) select.value = chosen;
}

export const keepsSize = (name) => tasks.get(name)?.keeps_size ?? false;
export const hasStrength = (name) => tasks.get(name)?.has_strength ?? true;
export const description = (name) => tasks.get(name)?.description ?? "";
export const title = (name) => tasks.get(name)?.title ?? name;
