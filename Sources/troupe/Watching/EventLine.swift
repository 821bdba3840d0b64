import CloudEvents

/// One event as one line for people: time, type, saga, data; coloured by what it means.
struct EventLine {
    var palette: Palette
    private static let typeWidth = 27

    /// `from` is the saga's first time: then the line begins with the time since it.
    func text(_ event: CloudEvent, since start: Int64? = nil) -> String {
        let time = start.map { Self.elapsed(event.time - $0) } ?? Self.timeOfDay(event.time)
        let type = event.type.padded(to: Self.typeWidth)
        let saga = start == nil ? "  \(event.correlationID)" : ""
        let meaning = Meaning(of: event.type)
        return [
            palette.paint(time, .grey), "  ",
            palette.paint(type, meaning.colour, bold: meaning == .ends),
            palette.paint(saga, .grey), "  ",
            String(decoding: event.data, as: UTF8.self),
        ].joined()
    }

    /// `+0.042 s`, as wide as the time of day.
    private static func elapsed(_ milliseconds: Int64) -> String {
        let fraction = String(1_000 + abs(milliseconds) % 1_000).dropFirst()
        let seconds = "\(milliseconds < 0 ? "-" : "+")\(abs(milliseconds) / 1_000).\(fraction) s"
        return String(repeating: " ", count: max(0, 12 - seconds.count)) + seconds
    }

    /// `15:04:05.678`, UTC.
    private static func timeOfDay(_ milliseconds: Int64) -> String {
        let day = ((milliseconds % 86_400_000) + 86_400_000) % 86_400_000
        func two(_ number: Int64) -> Substring { String(100 + number).dropFirst() }
        let fraction = String(1_000 + day % 1_000).dropFirst()
        return "\(two(day / 3_600_000)):\(two(day / 60_000 % 60)):\(two(day / 1_000 % 60))"
            + ".\(fraction)"
    }

    /// What an event says about its saga, told from the last word of its type.
    private enum Meaning {
        case goesOn, fails, undoes, ends

        init(of type: String) {
            self =
                if type.hasSuffix("Failed") {
                    .fails
                } else if type.hasSuffix("Completed") {
                    .ends
                } else if ["Refunded", "Released", "Cancelled", "Requested"]
                    .contains(where: type.hasSuffix)
                {
                    .undoes
                } else {
                    .goesOn
                }
        }

        var colour: Palette.Colour {
            switch self {
            case .goesOn, .ends: .green
            case .fails: .red
            case .undoes: .yellow
            }
        }
    }
}
