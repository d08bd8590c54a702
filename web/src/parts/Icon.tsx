import { ICONS, type IconName } from "../view/icons";

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg class="mark" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <rect class="mark-tile" x="2" y="2" width="20" height="20" rx="6" />
      <path class="mark-bubble" d="M7 9.5h10V16h-4l-3 2.5V16H7z" />
      <circle class="mark-dot" cx="17" cy="8" r="2.6" />
    </svg>
  );
}
