// What is due to a customer: each change is saved at once. And the list of customers to import.

import { foldedForm } from "./folded_form.js";
import { post, send } from "./http.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const KEPT = "parley.imported";

/** The login of the agent written so; what is no agent's name is left to the server to refuse. */
function loginOf(written) {
  const options = [...document.querySelectorAll("#own-agents option")];
  return options.find((one) => one.value === written)?.dataset.login ?? written;
}

const wanted = (field) => (field.dataset.due === "vip" ? field.checked : loginOf(field.value.trim()) || null);

function put(field, customer) {
  if (field.dataset.due === "vip") field.checked = customer.vip;
  else field.value = customer.own_agent ? field.value.trim() : "";
}

async function save(field) {
  field.disabled = true;
  const address = `/api/customers/${encodeURIComponent(field.dataset.customer)}`;
  try {
    put(field, await send("PATCH", address, { [field.dataset.due]: wanted(field) }));
    if (field.dataset.due === "vip") field.defaultChecked = field.checked;
    else field.defaultValue = field.value;
    toast(t("due.saved", { name: field.dataset.name }));
  } catch (error) {
    toast(error.message, "bad");
    if (field.dataset.due === "vip") field.checked = field.defaultChecked;
    else field.value = field.defaultValue;
  } finally {
    field.disabled = false;
    // Whoever has gone on to the next field stays there.
    if (document.activeElement === document.body) field.focus();
  }
}

document.addEventListener("change", (event) => {
  if (event.target.dataset.due) save(event.target);
});
// What was changed before this script had come is not lost.
for (const field of document.querySelectorAll("[data-due]")) {
  const ticks = field.dataset.due === "vip";
  const changed = ticks ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  if (changed && (ticks || field !== document.activeElement)) save(field);
}

foldedForm(document.getElementById("open-import"), document.getElementById("import-form"), async (form) => {
  const done = await post("/api/customers/import", { csv: await form.querySelector("input").files[0].text() });
  sessionStorage.setItem(KEPT, t("due.imported", done));
  location.assign("/customers");
});

const imported = sessionStorage.getItem(KEPT);
if (imported) {
  sessionStorage.removeItem(KEPT);
  toast(imported);
}
