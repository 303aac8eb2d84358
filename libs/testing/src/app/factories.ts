/** The payload of a text message; `more` has further fields of `chat:message:send`. */
export const text = (chat: { id: string }, content = 'Привет', more: object = {}) => ({
  chat_id: chat.id,
  type: 'text',
  content,
  ...more,
});
