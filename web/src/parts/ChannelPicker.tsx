import { CHANNEL_WORDS, type Route } from "../state/route";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

export function ChannelPicker({ routes, chosen, onChoose }: {
  routes: readonly Route[]; chosen: Route; onChoose: (route: Route) => void;
}) {
  const button = <><Icon name={chosen.channel} size={14} />{CHANNEL_WORDS[chosen.channel]}<Icon name="down" size={14} /></>;
  return (
    <Menu label={`Reply by ${CHANNEL_WORDS[chosen.channel]} to ${chosen.display}. Choose a channel (C)`} button={button} buttonClass={`picker ch-${chosen.channel}`} test="channel-picker" up>
      {(close) => routes.map((route) => (
        <button
          type="button" role="menuitemradio" aria-checked={route === chosen} key={`${route.channel} ${route.to}`} data-test="channel-choice"
          data-channel={route.channel} data-to={route.to} onClick={() => { onChoose(route); close(); }}
        >
          <span class={`glyph ch-${route.channel}`}><Icon name={route.channel} size={14} /></span>
          <span class="grow">
            <span class="block"><bdi class="ltr">{route.display}</bdi></span>
            <span class={`block small ${route.blocked ? "warn" : "quiet"}`}>{CHANNEL_WORDS[route.channel]}{route.blocked ? ", opted out" : `, ${route.why}`}</span>
          </span>
        </button>
      ))}
    </Menu>
  );
}
