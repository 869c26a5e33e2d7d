/** The composer for a message, a reply, or a slash command. */

import { type ClipboardEvent, type KeyboardEvent, useRef, useState } from "react";
import { attachment } from "../ask";
import { useAct } from "../shell/trouble";
import { useScene } from "./people";
import { Shortcuts } from "./Shortcuts";
import { Suggestions } from "./Suggestions";

interface Props {
  channel: string;
  label: string;
  /** The current thread; slash commands do not work there. */
  thread?: string;
}

export function Composer({ channel, label, thread }: Props) {
  const { me } = useScene();
  const act = useAct();
  const [text, setText] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const [broadcast, setBroadcast] = useState(false);
  const [hint, setHint] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);

  const send = async () => {
    const words = text.trim();
    if (!words && !files.length) return;
    if (words.startsWith("/") && thread) return setHint("Slash commands do not work in threads.");
    // At once, so that what is typed while it is sent stays, and a second Enter sends nothing.
    setText("");
    setFiles([]);
    setHint("");
    const done = words.startsWith("/") ? await command(words) : await say(words);
    if (done.ok) return;
    setText((typed) => [words, typed].filter(Boolean).join("\n"));
    setFiles((added) => [...files, ...added]);
  };
  const command = (words: string) => {
    const [name = "", ...rest] = words.split(/\s+/);
    if (name === "/invite") return act("slack.invite", { user: me, channel });
    return act("slack.command", { user: me, channel, command: name, text: rest.join(" ") });
  };
  const say = async (words: string) =>
    act("slack.say", {
      user: me,
      channel,
      text: words,
      ...(thread ? { thread_ts: thread, broadcast } : {}),
      files: await Promise.all(files.map(attachment)),
    });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    if (pasted.length) setFiles((before) => [...before, ...pasted]);
  };
  const complete = (words: string) => {
    setText(words);
    field.current?.focus();
  };
  return (
    <form
      className="sl-composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Suggestions text={text} inThread={Boolean(thread)} onChoose={complete} />
      {hint && <p role="alert">{hint}</p>}
      <textarea
        ref={field}
        aria-label={label}
        placeholder={label}
        rows={1}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <Files files={files} onDrop={(file) => setFiles(files.filter((one) => one !== file))} />
      <div className="sl-composer-foot">
        <label className="button sl-attach">
          <span aria-hidden="true">📎</span>
          <span className="unseen">Attach a file</span>
          <input
            type="file"
            multiple
            className="unseen"
            onChange={(event) => setFiles([...files, ...(event.target.files ?? [])])}
          />
        </label>
        <Shortcuts inThread={Boolean(thread)} onWrite={complete} />
        {thread && (
          <label className="sl-choice">
            <input type="checkbox" checked={broadcast} onChange={() => setBroadcast(!broadcast)} />
            Also send to channel
          </label>
        )}
        <button type="submit" className="button button-strong" disabled={!text.trim() && !files.length}>
          Send
        </button>
      </div>
    </form>
  );
}

function Files({ files, onDrop }: { files: File[]; onDrop: (file: File) => void }) {
  if (!files.length) return null;
  return (
    <ul className="sl-attached">
      {files.map((file) => (
        <li key={file.name + file.lastModified}>
          {file.name}{" "}
          <button type="button" className="sl-link" onClick={() => onDrop(file)}>
            remove
          </button>
        </li>
      ))}
    </ul>
  );
}
