# Prints how many bytes of each container's logs were rotated away before Fluentd had read them, as JSON, one container a
# line. Fluentd runs it at intervals (`lost.py`).
#
# Arguments: the directory of the pods' logs, Fluentd's position file, a file for this program's own state.
#
# The kubelet renames a log file, and compresses it at the next rotation. A compressed file knows its former size (gzip's
# last four bytes); the position file knows how far Fluentd had read the file of that inode. A file that it has open, Fluentd
# reads to its end although it is deleted: what is left counts once its position is removed.

require "json"

LOGS, POSITIONS, STATE = ARGV
CONTAINER = %r{([^/_]+)_([^/_]+)_[^/_]+/([^/]+)/[^/]+\z}

# Positions by inode. Each line of the file is PATH, POSITION, INODE, in hexadecimal; removed entries have the largest position.
def positions
  lines = File.exist?(POSITIONS) ? File.readlines(POSITIONS, chomp: true) : []
  entries = lines.map { |line| line.split("\t") }.select { |entry| entry.size == 3 && entry[1] != "f" * 16 }
  entries.to_h { |_, position, inode| [inode.hex, position.hex] }
end

# Inode of each file that is there, and how far it was read, by path.
def read_so_far(read)
  Dir.glob("#{LOGS}/*/*/*.log{,.????????-??????}").filter_map do |path|
    inode = File.stat(path).ino
    [path, [inode, read.fetch(inode, 0)]]
  rescue Errno::ENOENT
    nil
  end.to_h
end

# The size before compression, modulo 4 GiB.
def size(archive)
  File.open(archive, "rb") { |file| file.seek(-4, IO::SEEK_END) && file.read(4).unpack1("V") }
rescue Errno::ENOENT, Errno::EINVAL
  0
end

def event(folder_and_bytes)
  container, bytes = folder_and_bytes
  namespace, pod, name = CONTAINER.match(container).captures
  {
    stream: "lost",
    lost_bytes: bytes,
    message: "#{bytes} bytes of #{namespace}/#{pod}/#{name} were rotated away before Fluentd had read them",
    kubernetes: { host: ENV["K8S_NODE_NAME"], namespace_name: namespace, pod_name: pod, container_name: name }
  }
end

archives = Dir.glob("#{LOGS}/*/*/*.log.*.gz").sort
read = positions
now = read_so_far(read)
before = File.exist?(STATE) ? JSON.parse(File.read(STATE)) : {}
# Inode of what became an archive, how far it was read, and its size, by the archive's path.
unread = before["unread"] || {}
if before.key?("unread")
  (archives - before["archives"]).each do |archive|
    current = archive[/\A.*\.log/]
    # A file that was renamed and compressed since the last time was the current one then.
    inode, position = before["read"][archive.delete_suffix(".gz")] || before["read"].delete(current) || [0, 0]
    unread[archive] = [inode, position, size(archive)]
  end
  inodes = now.values.map(&:first)
  unread.each_value { |one| one[1] = read[one[0]] if read.key?(one[0]) && !inodes.include?(one[0]) }
  # A file that is there has the inode of one that is not open any more.
  open, ended = unread.partition { |_, (inode, _, _)| read.key?(inode) && !inodes.include?(inode) }
  unread = open.to_h
  ended.select! { |archive, _| File.directory?(File.dirname(archive)) }
  lost = ended.group_by { |archive, _| archive[/\A.*\.log/] }
  lost = lost.transform_values { |some| some.sum { |_, (_, position, size)| [size - position, 0].max } }
  lost.reject { |_, bytes| bytes.zero? }.each { |one| puts JSON.generate(event(one)) }
end
File.write("#{STATE}.new", JSON.generate(archives: archives, read: now, unread: unread))
File.rename("#{STATE}.new", STATE)
