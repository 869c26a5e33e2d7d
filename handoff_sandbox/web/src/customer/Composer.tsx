/** The customer's composer: text, files, and the two keywords that carriers handle. */

import { type ClipboardEvent, type KeyboardEvent, useLayoutEffect, useRef } from "react";
import { Icon } from "../shell/Icon";
import type { Draft } from "./drafts";

const QUICK = ["STOP", "START"];

/** The bottom of the phone. */
export function Composer({ draft, focusKey }: { draft: Draft; focusKey: string }) {
  return (
    <form
      className="composer"
      aria-label="Write as the customer"
      onSubmit={(event) => {
        event.preventDefault();
        draft.send();
      }}
    >
      <Condition draft={draft} />
      <Files draft={draft} />
      <div className="composer-row">
        <AttachButton onFiles={draft.attach} />
        <Field key={focusKey} draft={draft} />
        <button type="submit" className="send" disabled={!draft.text.trim() && !draft.files.length}>
          <Icon name="send" />
          <span className="unseen">Send</span>
        </button>
      </div>
      <div className="quick" role="group" aria-label="Carrier keywords">
        {QUICK.map((word) => (
          <button key={word} type="button" onClick={() => draft.send(word)}>
            {word}
          </button>
        ))}
      </div>
    </form>
  );
}

function Field({ draft }: { draft: Draft }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (field.current) grow(field.current);
  }, [draft.text]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    draft.send();
  };
  const onPaste = (event: ClipboardEvent) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    draft.attach(event.clipboardData.files);
  };
  return (
    <textarea
      ref={field}
      rows={1}
      dir="auto"
      maxLength={10_000}
      aria-label="Message"
      placeholder="Message"
      value={draft.text}
      onChange={(event) => draft.type(event.target.value)}
      onKeyDown={onKeyDown}
      onPaste={onPaste}
    />
  );
}

/** Grows with its text, up to the maximum height in the style sheet. */
function grow(field: HTMLTextAreaElement): void {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function AttachButton({ onFiles }: { onFiles: (files: Iterable<File>) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="icon-button" onClick={() => input.current?.click()}>
        <Icon name="clip" />
        <span className="unseen">Attach files</span>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={(event) => {
          onFiles(event.target.files ?? []);
          event.target.value = "";
        }}
      />
    </>
  );
}

function Files({ draft }: { draft: Draft }) {
  if (!draft.files.length) return null;
  return (
    <ul className="attached" aria-label="Attached files">
      {draft.files.map((file, index) => (
        <li key={`${index} ${file.name}`}>
          <Icon name="file" />
          <bdi>{file.name}</bdi>
          <button type="button" className="icon-button" onClick={() => draft.detach(file)}>
            <Icon name="close" />
            <span className="unseen">Remove {file.name}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Condition({ draft }: { draft: Draft }) {
  return (
    <div className="condition">
      <span role="status">{draft.underWay > 0 && "Sending…"}</span>
      <span role="alert">{draft.problem}</span>
    </div>
  );
}
