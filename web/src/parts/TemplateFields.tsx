import type { Reply } from "../client/protocol";

export type TemplateDraft = NonNullable<Reply["template"]>;
export const NO_TEMPLATE: TemplateDraft = { name: "", language: "en", parameters: [] };

/** What stays possible once the time for one's own words is over. */
export function TemplateFields({ value, onChange }: { value: TemplateDraft; onChange: (draft: TemplateDraft) => void }) {
  return (
    <div class="template-fields" data-test="template">
      <label>Template <input class="field" value={value.name} placeholder="order_update" data-test="template-name" onInput={(event) => onChange({ ...value, name: event.currentTarget.value })} /></label>
      <label>Language <input class="field short" value={value.language} data-test="template-language" onInput={(event) => onChange({ ...value, language: event.currentTarget.value })} /></label>
      <label class="grow">Values, one a line <textarea class="field" rows={2} value={value.parameters.join("\n")} data-test="template-values"
        onInput={(event) => onChange({ ...value, parameters: event.currentTarget.value === "" ? [] : event.currentTarget.value.split("\n") })} /></label>
    </div>
  );
}
