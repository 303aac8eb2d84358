import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Min } from 'class-validator';
import { UserDto } from './identity.js';
import { MAX_CONTENT } from './messages.js';
import { PageOf, PageQuery } from '../page.js';
import {
  IsHttpUrlList,
  IsId,
  IsMessageContent,
  IsNested,
  IsTimestamp,
  IsVisible,
  Nullable,
} from '../validation/validators.js';

export const MAX_MEDIA = 10;
/** Limit of follows, and of friends: a feed and a connecting device load all of them. */
export const MAX_FOLLOWS = 5000;
/** Only the first 20 different handles in a text are mentions. */
export const MAX_MENTIONS = 20;

/** A user as shown in posts and friend requests. */
export class PersonDto {
  @IsId() id!: string;
  @IsString() name!: string;
  @IsString() handle!: string;
  @Nullable() @IsString() avatar!: string | null;
  @IsBoolean() is_master!: boolean;
}

/** A post as shown to a reader. */
export class PostDto {
  @IsId() id!: string;
  @IsNested(() => PersonDto) author!: PersonDto;
  @IsString() content!: string;
  @IsArray() @IsString({ each: true }) media_urls!: string[];
  /** Stays true when the original is deleted or hidden from the reader: then `repost_of` is null. */
  @IsBoolean() is_repost!: boolean;
  /** Never a repost itself. */
  @Nullable() @IsNested(() => PostDto) repost_of!: PostDto | null;
  @IsInt() @Min(0) likes_count!: number;
  @IsInt() @Min(0) comments_count!: number;
  @IsInt() @Min(0) reposts_count!: number;
  /** Whether the reader likes it. */
  @IsBoolean() liked!: boolean;
  @IsTimestamp() created_at!: string;
}

export class PostPage extends PageOf(PostDto) {}

export class CreatePostBody {
  /** May be empty only when the post has media. */
  @IsMessageContent(MAX_CONTENT) content!: string;
  @IsOptional() @IsHttpUrlList(MAX_MEDIA) media_urls?: string[];
}

export class RepostBody {
  @IsOptional() @IsMessageContent(MAX_CONTENT) @IsVisible({ orBlank: true }) content?: string;
}

export class LikeAnswer {
  @IsBoolean() liked!: boolean;
  @IsInt() @Min(0) likes_count!: number;
}

export class CommentDto {
  @IsId() id!: string;
  @IsId() author_id!: string;
  @IsString() author_name!: string;
  @Nullable() @IsString() author_avatar!: string | null;
  @IsString() content!: string;
  @IsTimestamp() created_at!: string;
  /** The comment that this one replies to. That comment is not a reply itself. */
  @Nullable() @IsId() parent_id!: string | null;
}

export class CommentPage extends PageOf(CommentDto) {}

export class CreateCommentBody {
  @IsMessageContent(MAX_CONTENT) @IsVisible() content!: string;
  @IsOptional() @IsId() parent_id?: string;
}

/** Sent to the author and to the followers of the author and of the user who likes, also when a like is removed. */
export class PostLikedEvent {
  @IsId() post_id!: string;
  @IsId() user_id!: string;
  @IsString() user_name!: string;
  /** False when the like was removed, otherwise absent. */
  @IsOptional() @IsBoolean() liked?: boolean;
  @IsInt() @Min(0) likes_count!: number;
}

/** Sent to the author of the post. */
export class PostCommentedEvent {
  @IsId() post_id!: string;
  @IsNested(() => CommentDto) comment!: CommentDto;
  @IsInt() @Min(0) comments_count!: number;
}

/** Sent to the author of the post. The replies are deleted with the comment. */
export class PostCommentDeletedEvent {
  @IsId() post_id!: string;
  @IsId() comment_id!: string;
  @IsInt() @Min(0) comments_count!: number;
}

/** Sent to the author and the author's followers. */
export class PostDeletedEvent {
  @IsId() post_id!: string;
}

export const FRIEND_REQUEST_STATUSES = ['pending', 'accepted', 'declined'] as const;

export class FriendRequestDto {
  @IsId() id!: string;
  @IsNested(() => PersonDto) from!: PersonDto;
  @IsNested(() => PersonDto) to!: PersonDto;
  @IsIn(FRIEND_REQUEST_STATUSES) status!: (typeof FRIEND_REQUEST_STATUSES)[number];
  @IsTimestamp() created_at!: string;
}

export class FriendRequestPage extends PageOf(FriendRequestDto) {}

export class FriendRequestQuery extends PageQuery {
  @IsIn(['incoming', 'outgoing']) direction: 'incoming' | 'outgoing' = 'incoming';
}
export class BlockedPage extends PageOf(PersonDto) {}
export class FriendPage extends PageOf(UserDto) {}

export class FriendRequestBody {
  @IsId() user_id!: string;
}
