import { diffLines, hunks } from "../rules/diff";

const SAID = { same: "", add: "added: ", del: "removed: " } as const;

/** What differs between two texts, with a few lines around. */
export function DiffText({ before, after }: { before: string; after: string }) {
  const found = hunks(diffLines(before.trimEnd().split("\n"), after.trimEnd().split("\n")));
  if (!found.length) return <p class="blank">No difference.</p>;
  return (
    <div class="diff" dir="ltr" data-test="diff" tabIndex={0} role="region" aria-label="What differs">
      {found.map((hunk) => {
        let left = hunk.left, right = hunk.right;
        return (
          <div class="hunk" key={hunk.right}>
            {hunk.lines.map((line, index) => {
              const number = line.change === "del" ? left : right;
              if (line.change !== "add") left += 1;
              if (line.change !== "del") right += 1;
              return (
                <div class={`diff-line ${line.change}`} key={index}>
                  <span class="diff-number" aria-hidden="true">{number}</span><span class="diff-sign" aria-hidden="true">{line.change === "add" ? "+" : line.change === "del" ? "−" : ""}</span>
                  <span class="sr">{SAID[line.change]}</span><span>{line.text || " "}</span>
                </div>
              );
            })}
          </div>
        );
      })}
    </div>
  );
}
