/** Light or dark: the system's theme, until the visitor chooses one. */

import { useLayoutEffect } from "react";
import { useMedia } from "./media";
import { oneOf, useRemembered } from "./remembered";

export type Theme = "light" | "dark";

/** The theme, and a function to toggle it. It is set at `<html data-theme>`, for all style sheets. */
export function useTheme(): [Theme, () => void] {
  const [chosen, choose] = useRemembered<Theme | "system">(
    "theme",
    "system",
    oneOf("light", "dark", "system"),
    "browser",
  );
  const system: Theme = useMedia("(prefers-color-scheme: dark)") ? "dark" : "light";
  const theme = chosen === "system" ? system : chosen;
  const other: Theme = theme === "dark" ? "light" : "dark";
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, () => choose(other === system ? "system" : other)];
}
