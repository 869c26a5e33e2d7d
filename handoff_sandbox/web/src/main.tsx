/** Connects to the sandbox, and renders the page. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./shell/theme.css";
import "./shell/controls.css";
import "./shell/header.css";
import "./shell/layout.css";
import { App } from "./App";
import { connect } from "./store";

connect();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
