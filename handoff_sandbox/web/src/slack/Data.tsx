/** Tables and feedback buttons: the blocks of messages that the library does not draw, or without behaviour. */

import { useState } from "react";
import type { SlackBlock } from "../api";
import type { Words } from "./elements";
import { useSurface } from "./surface";
import { withEmoji } from "./words";

interface Cell {
  type: "raw_text" | "raw_number" | "rich_text";
  text?: string;
  value?: number;
}

type Order = { column: number; isDown: boolean } | null;

/** A table that is sorted by a click on a column, page by page. */
export function DataTable({ block }: { block: SlackBlock }) {
  const [header = [], ...rows] = block.rows as Cell[][];
  const size = (block.page_size as number | undefined) ?? 5;
  const [order, setOrder] = useState<Order>(null);
  const [page, setPage] = useState(0);
  const sorted = order ? [...rows].sort(by(order)) : rows;
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const rowHeader = (block.row_header_column_index as number | undefined) ?? 0;
  const sort = (column: number) => {
    setOrder((now) => ({ column, isDown: now?.column === column && !now.isDown }));
    setPage(0);
  };
  return (
    <div className="sl-table">
      <table>
        <caption>{block.caption as string}</caption>
        <thead>
          <tr>
            {header.map((cell, column) => (
              <th key={`${column} ${cell.text}`} scope="col" aria-sort={sortOf(order, column)}>
                <button type="button" onClick={() => sort(column)}>
                  {cell.text}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(page * size, (page + 1) * size).map((row, number) => (
            <tr key={`${page} ${number}`}>
              {row.map((cell, column) => {
                const look = cell.type === "raw_number" ? "sl-number" : undefined;
                return column === rowHeader ? (
                  <th key={`${column}`} scope="row" className={look}>
                    {cell.text}
                  </th>
                ) : (
                  <td key={`${column}`} className={look}>
                    {cell.text}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {pages > 1 && (
        <div className="sl-pages">
          <button type="button" className="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Previous
          </button>
          <span>
            {page + 1} of {pages}
          </span>
          <button type="button" className="button" disabled={page + 1 === pages} onClick={() => setPage(page + 1)}>
            Next
          </button>
        </div>
      )}
    </div>
  );
}

function by({ column, isDown }: { column: number; isDown: boolean }) {
  const sign = isDown ? -1 : 1;
  return (a: Cell[], b: Cell[]) => sign * compared(a[column], b[column]);
}

function compared(a: Cell | undefined, b: Cell | undefined): number {
  if (a?.value !== undefined && b?.value !== undefined) return a.value - b.value;
  return (a?.text ?? "").localeCompare(b?.text ?? "");
}

function sortOf(order: Order, column: number): "ascending" | "descending" | "none" {
  if (order?.column !== column) return "none";
  return order.isDown ? "descending" : "ascending";
}

interface Side {
  text: Words;
  value: string;
  accessibility_label?: string;
}

interface FeedbackElement {
  type: string;
  action_id: string;
  positive_button?: Side;
  negative_button?: Side;
}

/** The feedback buttons of a context_actions block; the pressed one is marked until the page is left. */
export function Feedback({ block }: { block: SlackBlock }) {
  const surface = useSurface();
  const [pressed, setPressed] = useState("");
  const elements = ((block.elements as FeedbackElement[]) ?? []).filter((one) => one.type === "feedback_buttons");
  return (
    <div className="sl-feedback">
      {elements.flatMap((element) =>
        [element.positive_button, element.negative_button].map(
          (side) =>
            side && (
              <button
                key={side.value}
                type="button"
                className="button"
                aria-label={side.accessibility_label ?? side.text.text}
                title={side.accessibility_label}
                aria-pressed={pressed === side.value}
                data-action={element.action_id}
                onClick={() => {
                  setPressed(side.value);
                  void surface.click(element.action_id, side.value);
                }}
              >
                {withEmoji(side.text.text)}
              </button>
            ),
        ),
      )}
    </div>
  );
}
