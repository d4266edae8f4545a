/** The services of chats that stator knows. */
import type { ChatServiceName } from '../../../base/config/config.ts';
import type { ServiceParts } from '../chat-call.ts';
import type { ChatService } from '../service.ts';
import { createSlack } from './slack.ts';
import { createTelegram } from './telegram.ts';

const services: { readonly [name in ChatServiceName]: (parts: ServiceParts) => ChatService } = {
  telegram: createTelegram,
  slack: createSlack,
};

/** Throws `bad_config` for a token of another form. */
export function openChat(parts: ServiceParts): ChatService {
  return services[parts.config.service](parts);
}
