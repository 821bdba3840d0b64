/// Who takes the bookings in a new package, to be replaced first.
let agencyTemplate = #"""
    import Saga
    import Synchronization

    /// The travel agency of the trips: what is booked by a key, and cancelled, it knows for good.
    let agency = Agency()

    final class Agency: Sendable {
        private struct Books {
            var booked: [String] = []
            var cancelled: Set<String> = []
        }

        private let books = Mutex(Books())

        /// How often something was booked for a trip and stands.
        func standing(_ trip: String) -> [String] {
            books.withLock { books in
                books.booked.filter {
                    $0.contains(":\(trip):") && !books.cancelled.contains($0)
                }
            }
        }

        func book(_ what: String, _ context: StepContext) async throws -> String {
            if what == "nowhere" { throw BusinessFailure("no_room", "Nobody lets rooms there.") }
            return books.withLock { books in
                books.booked.append(context.idempotencyKey)
                return "1 in \(what)"
            }
        }

        func cancel(_ context: StepContext) async throws {
            books.withLock { _ = $0.cancelled.insert(context.idempotencyKey) }
        }
    }

    """#
