package payments;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobFilter;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathFilter;
import org.apache.spark.sql.execution.streaming.checkpointing.CheckpointFileManager;

/**
 * The files of a checkpoint in an object store, for Spark's `spark.sql.streaming.checkpointFileManagerClass`.
 *
 * Belongs here: writing, reading and finding such a file with few requests. Does not belong here: what is in one (Spark).
 *
 * An object is there once its upload ends. So a file that is uploaded in one piece needs no second name, no renaming and no
 * folder, for which Spark's own managers send eight requests a file, one after the other.
 *
 * A log (`offsets/7`, `commits/7`, `metadata`: a name without a suffix) is written once and never changed, and a run is the
 * only one to write it: another one that tries is refused. Each batch is a query of its own, for which Spark asks several
 * times what logs there are, and what they say. So this process remembers both while a run lasts. The next run asks anew.
 *
 * Janino compiles this, which knows no lambdas and casts nothing by type arguments.
 */
public final class WholeFiles implements CheckpointFileManager {
    private final FileSystem store;
    private final Path root;
    private final String run;

    /** As Spark makes one, by reflection. */
    public WholeFiles(Path root, Configuration conf) throws IOException {
        this.root = root;
        this.store = root.getFileSystem(conf);
        this.run = conf.get("payments.run", "");
    }

    public CheckpointFileManager.CancellableFSDataOutputStream createAtomic(Path path, boolean overwriteIfPossible) {
        return new WholeFile(this, path, overwriteIfPossible, new ByteArrayOutputStream());
    }

    public FSDataInputStream open(Path path) throws IOException {
        if (!isLog(path)) {
            return this.store.open(path);
        }
        byte[] content = Logs.get(this.run, path);
        if (content == null) {
            FSDataInputStream file = this.store.open(path);
            try {
                content = file.readAllBytes();
            } finally {
                file.close();
            }
            Logs.put(this.run, path, content);
        }
        return new FSDataInputStream(new Content(content));
    }

    public boolean exists(Path path) throws IOException {
        synchronized (Logs.class) {
            Map beside = Logs.in(this.run, path.getParent());
            if (beside != null) {
                return beside.containsKey(path.getName());
            }
        }
        return Logs.isKnown(this.run, path) || this.store.exists(path);
    }

    public FileStatus[] list(Path path, PathFilter filter) throws IOException {
        if (!isFolderOfLogs(path)) {
            return this.listed(path, filter);
        }
        synchronized (Logs.class) {
            if (Logs.in(this.run, path) == null) {
                Logs.know(this.run, path, this.listed(path, new GlobFilter("*")));
            }
            List found = new ArrayList();
            for (Iterator each = Logs.in(this.run, path).values().iterator(); each.hasNext();) {
                FileStatus file = (FileStatus) each.next();
                if (filter.accept(file.getPath())) {
                    found.add(file);
                }
            }
            return (FileStatus[]) found.toArray(new FileStatus[0]);
        }
    }

    public FileStatus[] list(Path path) throws IOException {
        return this.list(path, new GlobFilter("*"));
    }

    public void delete(Path path) throws IOException {
        Logs.forget(this.run, path);
        this.store.delete(path, true);
    }

    /** A folder is there while something is in it. */
    public void mkdirs(Path path) {
    }

    public Path createCheckpointDirectory() {
        return this.store.makeQualified(this.root);
    }

    public boolean isLocal() {
        return false;
    }

    private FileStatus[] listed(Path path, PathFilter filter) throws IOException {
        try {
            return this.store.listStatus(path, filter);
        } catch (FileNotFoundException none) {
            return new FileStatus[0];
        }
    }

    private static boolean isLog(Path path) {
        return path.getName().indexOf('.') < 0;
    }

    private static boolean isFolderOfLogs(Path path) {
        return path.getName().equals("offsets") || path.getName().equals("commits");
    }

    /** A file that is written as it is closed: one that is cancelled before leaves nothing. */
    private static final class WholeFile extends CheckpointFileManager.CancellableFSDataOutputStream {
        private final WholeFiles files;
        private final Path path;
        private final boolean overwrites;
        private final ByteArrayOutputStream content;
        private boolean hasEnded;

        WholeFile(WholeFiles files, Path path, boolean overwrites, ByteArrayOutputStream content) {
            super(content);
            this.files = files;
            this.path = path;
            this.overwrites = overwrites;
            this.content = content;
        }

        public synchronized void close() throws IOException {
            if (this.hasEnded) {
                return;
            }
            this.hasEnded = true;
            Upload upload = new Upload(this);
            upload.start();
            boolean isInterrupted = false;
            while (upload.isAlive()) {
                try {
                    upload.join();
                } catch (InterruptedException stop) {
                    isInterrupted = true;
                }
            }
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
            if (upload.failure != null) {
                // The store may have it all the same: it is asked again what is there.
                Logs.forget(this.files.run, this.path.getParent());
                throw upload.failure;
            }
            if (isLog(this.path)) {
                Logs.add(this.files.run, this.path, this.content.toByteArray());
            }
        }

        public synchronized void cancel() {
            this.hasEnded = true;
        }
    }

    /**
     * A thread that nobody interrupts. Spark stops a query by an interrupt, at which Google's connector ends the upload with
     * what it has so far: the file would be there in part.
     */
    private static final class Upload extends Thread {
        private final WholeFile file;
        IOException failure;

        Upload(WholeFile file) {
            super("upload of " + file.path.getName());
            this.setDaemon(true);
            this.file = file;
        }

        public void run() {
            try {
                FSDataOutputStream out = this.file.files.store.create(this.file.path, this.file.overwrites);
                this.file.content.writeTo(out);
                out.close();
            } catch (IOException failed) {
                this.failure = failed;
            } catch (RuntimeException failed) {
                this.failure = new IOException(failed);
            }
        }
    }

    /** What this process knows of logs, by run and path: which there are in a folder, and what the last few say. */
    private static final class Logs {
        private static final Map FOLDERS = new Newest(8);
        private static final Map CONTENTS = new Newest(64);

        static synchronized byte[] get(String run, Path path) {
            return (byte[]) CONTENTS.get(name(run, path));
        }

        static synchronized void put(String run, Path path, byte[] content) {
            CONTENTS.put(name(run, path), content);
        }

        /** A new one, which was written. */
        static synchronized void add(String run, Path path, byte[] content) {
            put(run, path, content);
            Map beside = in(run, path.getParent());
            if (beside != null) {
                long now = System.currentTimeMillis();
                beside.put(path.getName(), new FileStatus(content.length, false, 1, 0, now, path));
            }
        }

        /** A folder's files by name; null where nobody has listed them in this run. */
        static synchronized Map in(String run, Path folder) {
            return (Map) FOLDERS.get(name(run, folder));
        }

        static synchronized void know(String run, Path folder, FileStatus[] files) {
            Map names = new LinkedHashMap();
            for (int each = 0; each < files.length; each++) {
                names.put(files[each].getPath().getName(), files[each]);
            }
            FOLDERS.put(name(run, folder), names);
        }

        static synchronized boolean isKnown(String run, Path path) {
            return !keysAt(CONTENTS, run, path).isEmpty();
        }

        /** A file, or a folder with all that is in it. */
        static synchronized void forget(String run, Path path) {
            CONTENTS.keySet().removeAll(keysAt(CONTENTS, run, path));
            FOLDERS.keySet().removeAll(keysAt(FOLDERS, run, path));
            Map beside = in(run, path.getParent());
            if (beside != null) {
                beside.remove(path.getName());
            }
        }

        private static List keysAt(Map known, String run, Path path) {
            String name = name(run, path);
            List keys = new ArrayList();
            for (Iterator each = known.keySet().iterator(); each.hasNext();) {
                String key = (String) each.next();
                if (key.equals(name) || key.startsWith(name + "/")) {
                    keys.add(key);
                }
            }
            return keys;
        }

        private static String name(String run, Path path) {
            return run + " " + path;
        }
    }

    /** So many entries, of which the one goes that nobody has asked for the longest. */
    private static final class Newest extends LinkedHashMap {
        private final int most;

        Newest(int most) {
            super(most, 0.75f, true);
            this.most = most;
        }

        protected boolean removeEldestEntry(Map.Entry eldest) {
            return this.size() > this.most;
        }
    }

    /** A log in memory, as Hadoop reads a file. */
    private static final class Content extends FSInputStream {
        private final byte[] content;
        private int position;

        Content(byte[] content) {
            this.content = content;
        }

        public int read() {
            return this.position < this.content.length ? this.content[this.position++] & 0xff : -1;
        }

        public void seek(long position) throws IOException {
            if (position < 0 || position > this.content.length) {
                throw new EOFException("there is no byte " + position + " of " + this.content.length);
            }
            this.position = (int) position;
        }

        public long getPos() {
            return this.position;
        }

        public boolean seekToNewSource(long target) {
            return false;
        }
    }
}
