public import HTTPTypes
public import Hummingbird
public import JSONText

/// Which part of a list a client wants: `?limit=20&after=<cursor>`.
///
/// The answer is `{"items":[…],"next":"<cursor>"}`; `next` is missing on the last page.
public struct Page: Sendable, Hashable {
    /// How many items at most.
    public var limit: Int
    /// The item to go on after; nil starts at the beginning.
    public var after: String?

    /// The most that can be asked for.
    public static let limitMaximum = 100

    /// A page of that size.
    public init(limit: Int = 20, after: String? = nil) {
        self.limit = limit
        self.after = after
    }

    /// Reads `limit` (1 to 100, 20 if missing) and `after` (an ID).
    public init(_ query: QueryReader) {
        self.limit = query.integer("limit", in: 1...Self.limitMaximum) ?? 20
        self.after = query.identifier("after")
    }
}

extension Response {
    /// A page of a list; `next` is the cursor behind its last item, or nil if nothing follows.
    public static func page<Item>(
        _ items: some Sequence<Item>, next: String?, headers: HTTPFields = [:],
        _ write: (Item, inout JSONWriter) -> Void
    ) -> Response {
        .json(headers: headers) { json in
            json.set("items", each: items, write)
            json.set("next", next)
        }
    }
}
