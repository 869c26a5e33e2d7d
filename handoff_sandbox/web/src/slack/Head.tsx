/** The head of a pane. */

import type { ReactNode } from "react";

interface Props {
  title: string;
  back?: string;
  onBack?: () => void;
  onClose?: () => void;
  children?: ReactNode;
}

export function Head({ title, back, onBack, onClose, children }: Props) {
  return (
    <header className="sl-pane-head">
      {onBack && (
        <button type="button" className="button sl-back" onClick={onBack}>
          <span aria-hidden="true">←</span>
          <span className="unseen">{back}</span>
        </button>
      )}
      <h3>{title}</h3>
      {children}
      {onClose && (
        <button type="button" className="button" onClick={onClose}>
          <span aria-hidden="true">✕</span>
          <span className="unseen">Close thread</span>
        </button>
      )}
    </header>
  );
}
