/** What the server says about rules. */
export interface Author { id: string; name: string }
export interface Finding { severity: "error" | "warning"; place: string; code: string; message: string; line: number | null }
export interface CaseResult { name: string; passed: boolean; message: string | null }
export interface Checked { findings: Finding[]; cases: CaseResult[] }
interface Written { rules: unknown[]; cases: unknown[]; source: string; format: "json" | "yaml" }
export interface Draft extends Written { revision: number; at: string; by: Author | null }
export interface Version { version: number; published_at: string; by: Author | null; restores: number | null }
export interface WholeVersion extends Version, Written {}
export interface Difference { what: "rule" | "case"; name: string; change: "added" | "removed" | "changed" | "moved"; parts: string[] }

export type Kind = "text" | "set" | "number" | "money" | "date" | "moment" | "yes_no";
export interface RuleField { name: string; kind: Kind; meaning: string | null; choices: string[] }
export interface Words {
  fields: RuleField[];
  operators: Record<Kind, string[]>;
  meanings: Record<string, string>;
  queues: string[];
  skills: string[];
  topics: string[];
  policies: string[];
  agents: string[];
}
