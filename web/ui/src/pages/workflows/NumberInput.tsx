import { type ComponentProps, useEffect, useState } from "react";

interface Props extends Omit<ComponentProps<"input">, "value" | "onChange" | "type"> {
  value: number | undefined;
  /** Takes what was typed when it is done, and returns the number that it became. */
  onDone: (text: string) => number | undefined;
}

/** A number that is typed in peace: it counts once Enter is pressed or the field is left. */
export function NumberInput({ value, onDone, className = "", ...rest }: Props) {
  const [text, setText] = useState("");
  useEffect(() => setText(value === undefined ? "" : String(value)), [value]);
  const done = () => {
    const became = onDone(text) ?? value;
    setText(became === undefined ? "" : String(became));
  };
  return <input {...rest} type="number" step="any" className={`field number ${className}`} value={text} onChange={(event) => setText(event.target.value)} onBlur={done} onKeyDown={(event) => event.key === "Enter" && done()} />;
}
