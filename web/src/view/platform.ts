export const SEND_KEY = /mac|iphone|ipad/i.test(navigator.userAgent) ? "⌘↵" : "Ctrl ↵";
