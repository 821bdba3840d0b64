import EventStreams
import TroupeRedis

/// Dead letters that lie next to each other, without their events: what is asked of many.
struct LetterPage {
    struct Letter {
        var id: String
        var stream: String
        var entry: String
        var reason: String
        var saga: String
    }

    private static let fields = 5

    var letters: [Letter] = []
    /// What they weigh, with their events.
    var bytes = 0
    /// Whether there are no more behind them.
    var isWhole = true

    /// Where the next page begins; nil if there is none.
    var next: String? { isWhole ? nil : letters.last.map { "(\($0.id)" } }

    // KEYS dead letters
    // ARGV where to begin, where to end, how many, how many bytes
    // → what they weigh; of each: ID, stream, entry, reason, saga
    //
    // One by one, and no more once so much has been looked at: a letter holds its event, which may
    // be large.
    static let script = RedisScript(
        """
        \(EntryLabel.script)
        local page, place, most = {0}, ARGV[1], tonumber(ARGV[4])
        for _ = 1, ARGV[3] do
            local letter = redis.call('XRANGE', KEYS[1], place, ARGV[2], 'COUNT', 1)[1]
            if not letter then return page end
            local known = {}
            for at = 1, #letter[2], 2 do known[letter[2][at]] = letter[2][at + 1] end
            page[#page + 1] = letter[1]
            for _, name in ipairs({'stream', 'entry', 'reason', 'saga'}) do
                page[#page + 1] = known[name] or ''
            end
            place, page[1] = '(' .. letter[1], page[1] + weigh(letter[2])
            if page[1] > most then return page end
        end
        return page
        """)

    static func arguments(
        from start: String, to end: String, atMost count: Int, bytes: Int
    ) -> [RedisArgument] {
        [.string(start), .string(end), .integer(count), .integer(bytes)]
    }

    /// What the script answers that was asked for so many letters and bytes.
    init(_ reply: RedisValue, atMost count: Int, bytes most: Int) {
        let words = reply.array?.map { $0.string ?? "" } ?? []
        letters = stride(from: 1, through: words.count - Self.fields, by: Self.fields).map {
            Letter(
                id: words[$0], stream: words[$0 + 1], entry: words[$0 + 2],
                reason: words[$0 + 3], saga: words[$0 + 4])
        }
        bytes = reply[0]?.integer ?? 0
        isWhole = letters.count < count && bytes <= most
    }
}
