// Tasks that the server offers, with its rules for each of them.

let tasks = new Map();

export function setTasks(listed) {
  tasks = new Map(listed.map((task) => [task.name, task]));
}

export const isTask = (name) => tasks.has(name);
export const defaultTask = () => tasks.keys().next().value ?? "";
export const title = (name) => tasks.get(name)?.title ?? name;

// Return what a task allows, as GET /v1/tasks has it; before that is known, nothing is forbidden.
export function rulesOf(name) {
  const task = tasks.get(name);
  return {
    keepsSize: task?.keeps_size ?? false,
    hasStrength: task?.has_strength ?? true,
    description: task?.description ?? "",
  };
}
